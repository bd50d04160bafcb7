import GraftIR

extension OpDefinition {
  static let shapes: [OpDefinition] =
    [reshape, transpose, broadcastTo, dimension] + slicing + joining

  /// The same elements in row-major order under another shape.
  package static let reshape: OpDefinition = OpDefinition(
    "reshape", family: .shape, summary: "The same elements in the same order, under another shape.",
    operands: [.tensor("x")], attributes: [AttributeSpec("shape", .dims)],
    infer: { call in
      let type = try call.type(0)
      let shape = try call.dims("shape")
      if let from = type.count.knownValue, let to = shape.reduce(1, *).knownValue, from != to {
        throw call.problem("\(type) does not have \(to) elements")
      }
      return [type.with(shape: shape)]
    },
    differentiability: .vjp { b, op, ct in
      [try ct[0].map { try b(.reshape, $0, attributes: ["shape": .dims(try op.type(0).shape)]) }]
    }, samples: [Sample(.normal(3, 4), attributes: ["shape": .ints([2, 6])])])

  /// The axes in another order: axis i of the result is axis `permutation[i]` of x.
  package static let transpose: OpDefinition = OpDefinition(
    "transpose", family: .shape, summary: "The axes in another order.", operands: [.tensor("x")],
    attributes: [AttributeSpec("permutation", .axes)],
    infer: { call in
      let type = try call.type(0)
      let permutation = try call.axes("permutation", rank: type.rank)
      guard permutation.count == type.rank else { throw call.problem("the permutation does not fit \(type)") }
      return [type.with(shape: permutation.map { type.shape[$0] })]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let permutation = try op.ints("permutation")
      return [try b(.transpose, ct, attributes: ["permutation": .ints(permutation.inversePermutation)])]
    }, samples: [Sample(.normal(2, 3, 4), attributes: ["permutation": .ints([2, 0, 1])])])

  /// `x` repeated along axes of extent 1 and along new leading axes.
  package static let broadcastTo: OpDefinition = OpDefinition(
    "broadcast_to", family: .shape, summary: "x stretched to a shape by NumPy's rule.", operands: [.tensor("x")],
    attributes: [AttributeSpec("shape", .dims)],
    infer: { call in
      let (x, shape) = (try call.type(0), try call.dims("shape"))
      let fits = zip(x.shape.reversed(), shape.reversed()).allSatisfy { $0 == 1 || !$0.isProvablyDifferent(from: $1) }
      guard fits, x.rank <= shape.count else { throw call.problem("\(x) does not stretch to \(x.with(shape: shape))") }
      return [x.with(shape: shape)]
    },
    differentiability: .vjp { b, op, ct in [try b.unbroadcast(ct[0], like: op[0])] },
    spellings: .numpyAndJAX("broadcast_to(x, shape)"),
    samples: [Sample(.normal(3, 1), attributes: ["shape": .ints([2, 3, 4])])])

  /// An extent as a scalar tensor.
  package static let dimension: OpDefinition = OpDefinition(
    "dimension", family: .shape, summary: "An extent as a scalar.", operands: [],
    attributes: [AttributeSpec("value", .dim), AttributeSpec("dtype", .dtype)],
    infer: { call in [TensorType(try call.dtype("dtype"))] }, differentiability: .none("has no operands"))
}

extension [Int] {
  /// The order of axes that undoes a transpose by this one.
  package var inversePermutation: [Int] { indices.map { firstIndex(of: $0) ?? $0 } }
}
