import GraftIR

extension OpDefinition {
  static let sorting: [OpDefinition] = [sort, argsort, topK]

  /// The elements along `axis` in order; NaN counts as the largest.
  package static let sort: OpDefinition = OpDefinition(
    "sort", family: .sorting, summary: "The elements along an axis in order.", operands: [.tensor("x")],
    attributes: sortAttributes, infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let zeros = try b.full(try op.type(0), .float(0))
      let order = try b(.argsort, op[0], attributes: op.attributes)
      return [
        try b(.putAlongAxis, zeros, ct, order, attributes: ["axis": try op.attribute("axis"), "mode": .string("add")])
      ]
    },
    spellings: [.numpy("numpy.sort(a:x, axis=-1)"), .jax("jax.numpy.sort(x, axis=-1, descending=False)")],
    samples: sortSamples)

  /// The positions along `axis` that would put the elements in order; equal elements keep theirs.
  package static let argsort: OpDefinition = OpDefinition(
    "argsort", family: .sorting, summary: "The positions along an axis that put the elements in order.",
    operands: [.tensor("x")], attributes: sortAttributes, infer: { [try $0.type(0).with(dtype: .int64)] },
    differentiability: .none("yields integers"),
    spellings: [
      .torch("torch.argsort(input:x, dim:axis=-1, descending=False, stable='True)"),
      .jax("jax.numpy.argsort(x, axis=-1, descending=False)"),
    ], samples: sortSamples)

  /// The `k` largest elements along `axis`, in descending order, and their positions.
  package static let topK: OpDefinition = OpDefinition(
    "top_k", family: .sorting, summary: "The largest elements along an axis, and their positions.",
    operands: [.tensor("x")], attributes: [AttributeSpec("k", .dim), AttributeSpec("axis", .axis)],
    results: ["values", "indices"],
    infer: { call in
      let type = try call.type(0)
      var shape = type.shape
      shape[try call.axis("axis", rank: type.rank)] = try call.dim("k")
      return [type.with(shape: shape), TensorType(.int64, shape)]
    },
    decomposition: { b, op in
      let axis = try op.axis("axis", rank: try op.type(0).rank)
      let order = try b(.argsort, op[0], attributes: ["axis": .int(axis), "descending": .bool(true)])
      let indices = try b.slice(order, axis: axis, from: 0, to: try op.dim("k"))
      return [try b(.takeAlongAxis, op[0], indices, attributes: ["axis": .int(axis)]), indices]
    }, samples: [Sample(.normal(3, 5), attributes: ["k": .int(2), "axis": .int(1)])])

  private static let sortAttributes = [
    AttributeSpec("axis", .axis), AttributeSpec("descending", .bool, default: .bool(false)),
  ]

  private static let sortSamples = [
    Sample(.normal(3, 4), attributes: ["axis": .int(1)]),
    Sample(.normal(3, 4), attributes: ["axis": .int(0), "descending": .bool(true)]),
  ]
}
