import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let normalizations: Rules = [
    "layer_norm": { context in
      var positional = [context.operand("x")]
      let (weight, bias) = (context.call["weight"], context.call["bias"])
      if !weight.isAbsent || !bias.isAbsent { positional.append(context.operand("weight")) }
      if !bias.isAbsent { positional.append(context.operand("bias")) }
      var keywords: [(String, PythonExpression)] = []
      let rank = try context.call.int("rank")
      if rank != 1 { keywords.append(("axes", context.ints(Array(-rank..<0)))) }
      let eps = try context.call.double("eps")
      if eps != 1e-5 { keywords.append(("eps", .float(eps))) }
      return [context.helper("layer_norm").call(positional, keywords: keywords)]
    },
    "batch_norm": { context in
      try context.batchNormWithState() ?? context.batchNormWithoutState()
    },
  ]
}

extension EmitContext {
  /// The usual case: a module's own weights and statistics, which move in training.
  fileprivate func batchNormWithState() throws -> [PythonExpression]? {
    guard try call.string("statistics") == "mode", let (role, meanPath) = path("running_mean"), case .state = role,
      let (_, variancePath) = path("running_var")
    else { return nil }
    let module = meanPath.split(separator: ".").dropLast().joined(separator: ".")
    let prefix = module.isEmpty ? "" : module + "."
    let owner = moduleOwning(["weight", "bias"])
    let affine = !call["weight"].isAbsent || !call["bias"].isAbsent
    guard meanPath == prefix + "running_mean", variancePath == prefix + "running_var", !affine || owner == module,
      onlyUpdatesState([1: meanPath, 2: variancePath])
    else { return nil }
    var keywords: [(String, PythonExpression)] = [("train", train)]
    let (momentum, eps) = (try call.double("momentum"), try call.double("eps"))
    if momentum != 0.1 { keywords.append(("momentum", .float(momentum))) }
    if eps != 1e-5 { keywords.append(("eps", .float(eps))) }
    let parameters = affine ? parameters(at: module) : .dictionary([])
    let value = helper("batch_norm").call(
      [operand("x"), parameters, state(at: module)], keywords: keywords)
    markStored([1, 2])
    let results = declareResults()
    statement(.assign(.tuple([results[0], newState(at: module)]), value))
    return results
  }

  fileprivate func batchNormWithoutState() throws -> [PythonExpression] {
    let own = try call.string("statistics") == "batch"
    let statistics: [PythonExpression] = own ? [.none, .none] : [operand("running_mean"), operand("running_var")]
    var positional = [operand("x")] + statistics + [operand("weight"), operand("bias")]
    while positional.last == PythonExpression.none { positional.removeLast() }
    let eps = try call.double("eps")
    let result = helper("batch_standardize").call(
      positional, keywords: eps == 1e-5 ? [] : [("eps", .float(eps))])
    return [result, operand("running_mean"), operand("running_var")]
  }
}
