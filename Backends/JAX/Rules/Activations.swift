import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let activations: Rules = [
    "hardtanh": { context in
      let (low, high) = (try context.attribute("low"), try context.attribute("high"))
      return [context.helper("hardtanh").call(context.operand("x"), low, high)]
    },
    "gelu_derivative": { context in
      let name = try context.call.bool("approximate") ? "gelu_tanh_derivative" : "gelu_derivative"
      return [context.helper(name).call(context.operand("x"))]
    },
    "leaky_relu": { context in
      let x = context.named("x")
      return [context.choose(x.compared(.greater, 0), x, try context.attribute("slope") * x)]
    },
    "prelu": { context in
      let x = context.named("x")
      return [context.choose(x.compared(.greater, 0), x, context.operand("y") * x)]
    },
    "threshold": { context in
      let x = context.named("x")
      return [
        context.choose(x.compared(.greater, try context.attribute("threshold")), x, try context.attribute("value"))
      ]
    },
    "softplus": { context in
      let softplus = context.reference("jax.nn.softplus")
      let beta = try context.call.double("beta")
      if beta == 1 { return [softplus.call(context.operand("x"))] }
      return [softplus.call(.float(beta) * context.operand("x")) / .float(beta)]
    },
  ]
}

extension EmitContext {
  /// `jnp.where(condition, x, y)`
  func choose(_ condition: PythonExpression, _ x: PythonExpression, _ y: PythonExpression) -> PythonExpression {
    reference("jax.numpy.where").call(condition, x, y)
  }
}
