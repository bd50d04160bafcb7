import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let elementwise: Rules = [
    "cast": { context in
      [context.operand("x").method("astype", context.dtype(try context.call.dtype("dtype")))]
    },
    "sign": { context in
      let sign = context.reference("jax.numpy.sign")
      guard try context.call.type(0).dtype.isComplex else { return [sign.call(context.operand("x"))] }
      // JAX gives the sign of complex numbers no gradient.
      let x = context.named("x")
      return [context.choose(x.compared(.equal, 0), 0, x / context.reference("jax.numpy.abs").call(x))]
    },
    "reciprocal": { context in [1 / context.operand("x")] },
    "frac": { context in
      let x = context.named("x")
      return [x - context.reference("jax.numpy.trunc").call(x)]
    },
    "truncate_divide": { context in
      if try context.call.type(context.call[0].asValue == nil ? 1 : 0).dtype.isFloating {
        return [context.reference("jax.numpy.trunc").call(context.operand("x") / context.operand("y"))]
      }
      let (x, y) = (context.named("x"), context.named("y"))
      return [(x - context.reference("jax.numpy.fmod").call(x, y)).floorDivided(by: y)]
    },
    "clip": { context in
      let type = try context.call.type(0)
      let (low, high) = (context.call["low"], context.call["high"])
      if type.dtype.isFloating, let limited = context.limited(low: low.asScalar, high: high.asScalar) {
        return [limited]
      }
      var arguments = [context.operand("x")]
      var keywords: [(String, PythonExpression)] = []
      let names = type.dtype.isFloating ? ("low", "high") : ("min", "max")
      if low.isAbsent {
        keywords.append((names.1, context.operand("high")))
      } else {
        arguments.append(context.operand("low"))
        if !high.isAbsent { arguments.append(context.operand("high")) }
      }
      let clip = type.dtype.isFloating ? context.helper("clamp") : context.reference("jax.numpy.clip")
      return [clip.call(arguments, keywords: keywords)]
    },
    "ldexp": { context in [context.operand("x") * PythonExpression.integer(2).power(context.operand("y"))] },
    "logit": { context in
      let logit = context.reference("jax.scipy.special.logit")
      guard let eps = try context.call.optional("eps")?.asDouble else { return [logit.call(context.operand("x"))] }
      return [logit.call(context.helper("clamp").call(context.operand("x"), .float(eps), .float(1 - eps)))]
    },
    "xlogy": { [$0.reference("jax.scipy.special.xlogy").call($0.floating("x"), $0.floating("y"))] },
    "xlog1py": { [$0.reference("jax.scipy.special.xlog1py").call($0.floating("x"), $0.floating("y"))] },
    "polar": { context in
      let angle = context.reference("jax.numpy.exp").call(
        PythonExpression.binary(.name("1j"), .multiply, context.operand("y")))
      return [context.operand("x") * angle]
    },
    "view_as_real": { context in
      let x = context.named("x")
      return [
        context.reference("jax.numpy.stack").call(
          .list([x.attribute("real"), x.attribute("imag")]), keywords: [("axis", -1)])
      ]
    },
    "view_as_complex": { context in
      let x = context.named("x")
      return [context.reference("jax.lax.complex").call(x[.ellipsis, 0], x[.ellipsis, 1])]
    },
    "real": { context in [context.operand("x").attribute("real")] },
    "imag": { context in [context.operand("x").attribute("imag")] },
    "conj": { context in [context.operand("x").method("conj")] },
  ]
}

extension EmitContext {
  /// An operand that is floating even where it is a whole number: JAX differentiates these functions in both operands.
  fileprivate func floating(_ name: String) -> PythonExpression {
    guard let number = call[name].asScalar?.asDouble, number.isFinite else { return operand(name) }
    return .float(number)
  }
}

extension EmitContext {
  /// x limited by one number, `jnp.where(x < low, low, x)`: unlike `jnp.clip`, whose gradient at the limit is half of x's.
  fileprivate func limited(low: Scalar?, high: Scalar?) -> PythonExpression? {
    guard (low == nil) != (high == nil), call["low"].isAbsent || call["high"].isAbsent else { return nil }
    let x = named("x")
    let limit = operand(low == nil ? "high" : "low")
    let isBeyond = low == nil ? x.compared(.greater, limit) : x.compared(.less, limit)
    return reference("jax.numpy.where").call(isBeyond, limit, x)
  }
}
