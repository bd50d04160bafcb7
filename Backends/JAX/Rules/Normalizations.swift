import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let normalizations: Rules = [
    "layer_norm": { context in
      let rank = try context.call.int("rank")
      let axes: PythonExpression? = rank == 1 ? nil : context.ints(Array(-rank..<0))
      if let module = context.wholeModule(["weight", "bias"]) {
        let keywords = axes.map { [("axes", $0)] } ?? []
        return [try context.normalized("layer_norm", [module, context.operand("x")], keywords)]
      }
      let x = try context.standardized(axes ?? -1)
      return [context.scaled(x, by: context.operand("weight"), context.operand("bias"))]
    },
    "layer_norm_gradient": { context in
      let rank = try context.call.int("rank")
      let axes = rank == 1 ? [] : [("axes", context.ints(Array(-rank..<0)))]
      let operands = ["cotangent", "x"] + (context.call["weight"].isAbsent ? [] : ["weight"])
      let value = try context.normalized("layer_norm_gradient", operands.map { context.operand($0) }, axes)
      return context.several(value)
    },
    "rms_norm": { context in
      let rank = try context.call.int("rank")
      let axes = rank == 1 ? [] : [("axes", context.ints(Array(-rank..<0)))]
      if let module = context.wholeModule(["weight"]) {
        return [try context.normalized("rms_norm", [module, context.operand("x")], axes)]
      }
      let x = try context.normalized("unit_rms", [context.operand("x")], axes)
      return [context.scaled(x, by: context.operand("weight"), .none)]
    },
    "group_norm": { context in
      let groups = context.dim(try context.call.dim("groups"))
      if let module = context.wholeModule(["weight", "bias"]) {
        return [try context.normalized("group_norm", [module, context.operand("x"), groups])]
      }
      let x = try context.normalized("standardize_groups", [context.operand("x"), groups])
      return [context.scaled(x, by: context.channelwise("weight"), context.channelwise("bias"))]
    },
    "instance_norm": { context in
      let rank = try context.call.type(0).rank
      let x = try context.standardized(context.axes(Array(2..<rank), rank: rank))
      return [context.scaled(x, by: context.channelwise("weight"), context.channelwise("bias"))]
    },
    "weight_norm": { context in
      let axis = try context.call.optional("axis").flatMap(\.asInt).map { [PythonExpression.integer($0)] } ?? []
      return [
        context.helper("weight_norm").call([context.operand("direction"), context.operand("magnitude")] + axis)
      ]
    },
    "batch_norm": { try $0.batchNorm() },
  ]
}

extension EmitContext {
  /// The sub-tree of the module that holds exactly these operands, all present, under their own names.
  func wholeModule(_ operands: [String]) -> PythonExpression? {
    guard operands.allSatisfy({ !call[$0].isAbsent }) else { return nil }
    return moduleOwning(operands).map { parameters(at: $0) }
  }

  /// The sub-tree of a module, or a dict of the operands that are there.
  func moduleOrDictionary(_ operands: [String]) -> PythonExpression {
    if let module = moduleOwning(operands) { return parameters(at: module) }
    return .dictionary(stringKeys: operands.filter { !call[$0].isAbsent }.map { ($0, operand($0)) })
  }

  /// A vector over the channels as it broadcasts against x [N, C, ...].
  func channelwise(_ name: String) -> PythonExpression {
    guard !call[name].isAbsent, let rank = call[0].asValue.map({ call.type(of: $0).rank }), rank > 2 else {
      return operand(name)
    }
    let index: [PythonExpression] = [.fullSlice] + Array(repeating: .none, count: rank - 2)
    return .subscript(operand(name), .tuple(index))
  }

  /// `x * scale + shift`, without what is `None`.
  fileprivate func scaled(
    _ x: PythonExpression, by scale: PythonExpression, _ shift: PythonExpression
  ) -> PythonExpression {
    let product = scale == .none ? x : x * scale
    return shift == .none ? product : product + shift
  }

  fileprivate func orOne(_ name: String) -> PythonExpression { call[name].isAbsent ? 1 : operand(name) }

  /// A call of a helper with `eps` where it is not the usual one.
  fileprivate func normalized(
    _ name: String, _ positional: [PythonExpression], _ keywords: [(String, PythonExpression)] = []
  ) throws -> PythonExpression {
    let eps = try call.double("eps")
    return helper(name).call(positional, keywords: keywords + (eps == 1e-5 ? [] : [("eps", .float(eps))]))
  }

  fileprivate func standardized(_ axes: PythonExpression) throws -> PythonExpression {
    try normalized("standardize", [operand("x")] + (axes == -1 || axes == .integer(-1) ? [] : [axes]))
  }
}

extension EmitContext {
  fileprivate func batchNorm() throws -> [PythonExpression] {
    if try call.string("statistics") == "batch", call["running_mean"].isAbsent { return try ownBatchNorm() }
    let moves = try call.string("statistics") == "mode"
    let module = statisticsModule
    let affine = !call["weight"].isAbsent && !call["bias"].isAbsent
    let parameters: PythonExpression
    if affine, let owner = wholeModule(["weight", "bias"]) {
      parameters = owner
    } else {
      let (weight, bias) = (orOne("weight"), call["bias"].isAbsent ? 0 : operand("bias"))
      parameters = .dictionary(stringKeys: [("weight", weight), ("bias", bias)])
    }
    let statistics =
      module.map { state(at: $0) }
      ?? .dictionary(stringKeys: ["running_mean", "running_var"].map { ($0, operand($0)) })
    var keywords: [(String, PythonExpression)] = moves ? [("train", train)] : []
    let momentum = try call.double("momentum")
    if moves, momentum != 0.1 { keywords.append(("momentum", .float(momentum))) }
    let value = try normalized("batch_norm", [parameters, statistics, operand("x")], keywords)
    if !moves { return [value[0], statistics[.string("running_mean")], statistics[.string("running_var")]] }
    if let module,
      onlyUpdatesState([1: "\(module).running_mean".droppingRoot, 2: "\(module).running_var".droppingRoot])
    {
      markStored([1, 2])
      let results = declareResults()
      statement(.assign(.tuple([results[0], newState(at: module)]), value))
      return results
    }
    let both = assign("normalized", value)
    return [both[0], both[1][.string("running_mean")], both[1][.string("running_var")]]
  }

  /// The module whose state the running statistics are.
  private var statisticsModule: String? {
    guard let (meanRole, mean) = path("running_mean"), case .state = meanRole,
      let (varianceRole, variance) = path("running_var"), case .state = varianceRole
    else { return nil }
    let module = mean.split(separator: ".").dropLast().joined(separator: ".")
    guard mean == "\(module).running_mean".droppingRoot, variance == "\(module).running_var".droppingRoot else {
      return nil
    }
    return module
  }

  /// By the statistics of the batch, in both modes.
  private func ownBatchNorm() throws -> [PythonExpression] {
    let rank = try call.type(0).rank
    let x = try standardized(axes([0] + Array(Swift.stride(from: 2, to: rank, by: 1)), rank: rank + 1))
    return [scaled(x, by: channelwise("weight"), channelwise("bias")), .none, .none]
  }
}

extension String {
  /// The path without the point that stands before a child of the root.
  fileprivate var droppingRoot: String { hasPrefix(".") ? String(dropFirst()) : self }
}
