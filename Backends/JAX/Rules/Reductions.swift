import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let reductions: Rules = [
    "sum": { [try $0.reduced("sum")] }, "mean": { [try $0.reduced("mean")] }, "prod": { [try $0.reduced("prod")] },
    "max": { [try $0.reduced("max")] }, "min": { [try $0.reduced("min")] }, "any": { [try $0.reduced("any")] },
    "all": { [try $0.reduced("all")] }, "var": { [try $0.reduced("var")] }, "std": { [try $0.reduced("std")] },
    "argmax": { [try $0.position("argmax")] }, "argmin": { [try $0.position("argmin")] },
    "logsumexp": { context in
      let arguments = try context.reductionArguments()
      return [
        context.reference("jax.nn.logsumexp").call(
          [context.operand("x")] + arguments.axes, keywords: arguments.keywords)
      ]
    },
    "count_nonzero": { context in
      let arguments = try context.reductionArguments()
      return [
        context.reference("jax.numpy.count_nonzero").call(
          [context.operand("x")] + arguments.axes, keywords: arguments.keywords)
      ]
    },
    "histogram": { context in
      [
        context.helper("histogram").call(
          context.operand("x"), try context.attribute("bins"), context.operand("low"), context.operand("high"))
      ]
    },
    "vector_norm": { context in
      let order = try context.call.double("order")
      let (axes, keepdims) = try context.reductionArguments()
      var keywords: [(String, PythonExpression)] = axes.map { ("axis", $0) } + keepdims
      if order == 0 || order == 1 || order.isInfinite {
        keywords.insert(("ord", order.isInfinite ? context.infinity(order) : .integer(Int(order))), at: 0)
        return [
          context.reference("jax.numpy.linalg.vector_norm").call([context.operand("x")], keywords: keywords)
        ]
      }
      if order != 2 { keywords.insert(("order", context.scalar(.float(order))), at: 0) }
      return [context.helper("vector_norm").call([context.operand("x")], keywords: keywords)]
    },
    "matrix_norm": { context in
      let word = try context.call.string("order")
      var keywords: [(String, PythonExpression)] = [("ord", Int(word).map { .integer($0) } ?? .string(word))]
      if try context.call.bool("keepdims") { keywords.append(("keepdims", true)) }
      return [context.reference("jax.numpy.linalg.matrix_norm").call([context.operand("x")], keywords: keywords)]
    },
    "quantile": { context in
      let name = try context.call.bool("ignores_nan") ? "jax.numpy.nanquantile" : "jax.numpy.quantile"
      var arguments = [context.operand("x"), context.operand("q")]
      let rank = try context.call.type(0).rank
      if try context.call.optional("axis") != nil {
        arguments.append(context.axis(try context.call.int("axis"), rank: rank))
      }
      var keywords: [(String, PythonExpression)] = []
      if try context.call.string("method") != "linear" { keywords.append(("method", try context.attribute("method"))) }
      if try context.call.bool("keepdims") { keywords.append(("keepdims", true)) }
      return [context.reference(name).call(arguments, keywords: keywords)]
    },
  ]
}

extension EmitContext {
  /// The axes of a reduction, left out when they are all there are, and what else it is told.
  fileprivate func reductionArguments() throws -> (axes: [PythonExpression], keywords: [(String, PythonExpression)]) {
    let rank = try call.type(0).rank
    let axes = try call.ints("axes")
    let isTrailing = axes.count > 1 && axes == Array(rank - axes.count..<rank)
    let written =
      isTrailing ? ints(axes.map { $0 - rank }) : self.axes(axes, rank: rank)
    let keepdims: [(String, PythonExpression)] = try call.bool("keepdims") ? [("keepdims", true)] : []
    return (axes.count == rank ? [] : [written], keepdims)
  }

  /// `x.sum(-1, keepdims=True)`
  fileprivate func reduced(_ method: String) throws -> PythonExpression {
    var (axes, keywords) = try reductionArguments()
    if call.definition.attribute("correction") != nil {
      let correction = try call.double("correction")
      if correction != 0 { keywords.insert(("ddof", scalar(.float(correction))), at: 0) }
    }
    return operand("x").attribute(method).call(axes, keywords: keywords)
  }

  fileprivate func position(_ method: String) throws -> PythonExpression {
    let rank = try call.type(0).rank
    let axes = try call.optional("axis") == nil || rank == 1 ? [] : [axis(try call.int("axis"), rank: rank)]
    return operand("x").attribute(method).call(
      axes, keywords: try call.bool("keepdims") ? [("keepdims", true)] : [])
  }

  fileprivate func infinity(_ value: Double) -> PythonExpression {
    let infinity = reference("jax.numpy.inf")
    return value < 0 ? -infinity : infinity
  }
}
