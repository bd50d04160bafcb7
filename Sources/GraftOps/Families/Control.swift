import GraftIR

extension OpDefinition {
  static let control: [OpDefinition] = [mode, cond, whileLoop, scan, stopGradient, barrier]

  /// The first region's results in training, the second's otherwise.
  package static let mode: OpDefinition = OpDefinition(
    "mode", family: .control, summary: "One region in training, another otherwise.", operands: [],
    infer: { call in
      guard call.regions.count == 2, call.regions[0].results.count == call.regions[1].results.count else {
        throw call.problem("needs two regions that yield equally many tensors")
      }
      return try call.regions[1].results.map { operand in
        guard let value = operand.asValue else { throw call.problem("a region must yield tensors") }
        return call.type(of: value)
      }
    }, differentiability: .none("a function is differentiated in one mode"), dependsOnMode: { _ in true })

  /// The first region's results where the condition, one boolean, holds, and the second's otherwise.
  package static let cond: OpDefinition = OpDefinition(
    "cond", family: .control, summary: "One region where a condition holds, another otherwise.",
    operands: [.tensor("condition")],
    infer: { call in
      guard try call.type(0) == TensorType(.bool), call.regions.count == 2 else {
        throw call.problem("needs one boolean and two regions")
      }
      let types = try call.regions.map { try call.resultTypes(of: $0, taking: []) }
      try call.require(types[0], are: types[1])
      return types[1]
    }, differentiability: .region)

  /// The state after as many runs of the second region as the first one, a test of the state, holds.
  ///
  /// Both regions take the state; the second yields the next one, of the same types. `bound` is the most runs that there can
  /// be, if that is known: then the loop can be gone back through.
  package static let whileLoop: OpDefinition = OpDefinition(
    "while", family: .control, summary: "A region again and again, as long as a test of its state holds.",
    operands: [.variadic("initial")], attributes: [AttributeSpec("bound", .dim, default: Attribute.none)],
    results: ["state"],
    infer: { call in
      let state = try call.types(0)
      guard call.regions.count == 2,
        try call.resultTypes(of: call.regions[0], taking: state) == [TensorType(.bool)]
      else { throw call.problem("needs a region that yields one boolean, and another") }
      try call.require(call.resultTypes(of: call.regions[1], taking: state), are: state)
      return state
    }, differentiability: .region)

  /// The state after a region has run for each of `count` positions of the first axis of the sequences, from the last to
  /// the first with `reverse`, and what it yielded at each position along a new first axis.
  ///
  /// The region takes the state and one position of each sequence, and yields the next state and what is collected.
  package static let scan: OpDefinition = OpDefinition(
    "scan", family: .control, summary: "A region for each position of sequences, with a state.",
    operands: [.variadic("initial"), .variadic("sequences")],
    attributes: [AttributeSpec("count", .dim), AttributeSpec("reverse", .bool, default: .bool(false))],
    results: ["results"],
    infer: { call in
      let (state, count) = (try call.types(0), try call.dim("count"))
      let elements = try call.types(1).map { type in
        guard type.rank >= 1,
          !TensorType(type.dtype, [type.shape[0]]).isProvablyDifferent(from: TensorType(type.dtype, [count]))
        else { throw call.problem("\(type) has no \(count) positions") }
        return type.with(shape: Array(type.shape.dropFirst()))
      }
      guard call.regions.count == 1 else { throw call.problem("needs one region") }
      let yielded = try call.resultTypes(of: call.regions[0], taking: state + elements)
      try call.require(Array(yielded.prefix(state.count)), are: state)
      return state + yielded.dropFirst(state.count).map { $0.with(shape: [count] + $0.shape) }
    }, differentiability: .region)

  /// `x`, as a constant to differentiation.
  package static let stopGradient: OpDefinition = unary(
    "stop_gradient", "x, as a constant to differentiation.", family: .control, accepts: .any, promotion: .none,
    differentiability: .zero("a constant to differentiation"),
    spellings: [
      .aten("detach.default(self:x)"), .aten("graft.stop_gradient(input:x)"), .torch("x.detach()"),
      .jax("jax.lax.stop_gradient(x)"),
    ])

  /// `x`, which nothing computed elsewhere is taken for: two computations of the same behind barriers stay two.
  package static let barrier: OpDefinition = unary(
    "barrier", "x, apart from equal values elsewhere.", family: .control, accepts: .any, promotion: .none,
    differentiability: .vjp { _, _, ct in [ct[0]] },
    spellings: [.jax("jax.lax.optimization_barrier(operand:x)")])
}

extension OpCall {
  /// The types that a region yields, which takes tensors of the given types.
  fileprivate func resultTypes(of region: Block, taking types: [TensorType]) throws -> [TensorType] {
    try require(region.arguments.map(type(of:)), are: types)
    return try region.results.map { operand in
      guard let value = operand.asValue else { throw problem("a region must yield tensors") }
      return type(of: value)
    }
  }

  fileprivate func require(_ types: [TensorType], are expected: [TensorType]) throws {
    guard types.count == expected.count, !zip(types, expected).contains(where: { $0.isProvablyDifferent(from: $1) })
    else { throw problem("a region has to do with \(types) instead of \(expected)") }
  }
}
