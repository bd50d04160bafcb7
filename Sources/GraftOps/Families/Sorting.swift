import GraftIR

extension OpDefinition {
  static let sorting: [OpDefinition] = [sort, argsort, topK, mostFrequent]

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

  /// The most frequent element along `axis`, the least of several, and where it stands last.
  package static let mostFrequent: OpDefinition = OpDefinition(
    "most_frequent", family: .sorting, summary: "The most frequent element along an axis, and its last position.",
    operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("keepdims", .bool, default: .bool(false))],
    results: ["values", "indices"],
    infer: { call in
      let type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      let values = type.with(
        shape: ShapeRule.reduced(type.shape, axes: [axis], keepdims: try call.bool("keepdims")))
      return [values, values.with(dtype: .int64)]
    },
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      let along: OrderedAttributes = ["axis": .int(axis)]
      let order = try b(.argsort, op[0], attributes: along)
      let ordered = try b(.takeAlongAxis, op[0], order, attributes: along)
      let previous = try b(.roll, ordered, attributes: ["shifts": .ints([1]), "axes": .ints([axis])])
      let positions = try b.positions(type.shape[axis], axis: axis, rank: type.rank, dtype: .int64)
      let starts = try b(.where_, try b(.equal, ordered, previous), .int(0), positions)
      let run = try b(.subtract, positions, try b(.cummax, starts, attributes: along))
      let best = try b(.argmax, run, attributes: ["axis": .int(axis), "keepdims": .bool(true)])
      let shape = ShapeRule.reduced(type.shape, axes: [axis], keepdims: try op.bool("keepdims"))
      return try [ordered, order].map { all in
        let picked = try b(.takeAlongAxis, all, best, attributes: along)
        return try b(.reshape, picked, attributes: ["shape": .dims(shape)])
      }
    },
    spellings: [.torch("torch.mode(input:x, dim:axis=-1, keepdim:keepdims=False)")],
    samples: [Sample(.integers(0, 3, 3, 5), attributes: ["axis": .int(1)])])

  private static let sortAttributes = [
    AttributeSpec("axis", .axis), AttributeSpec("descending", .bool, default: .bool(false)),
  ]

  private static let sortSamples = [
    Sample(.normal(3, 4), attributes: ["axis": .int(1)]),
    Sample(.normal(3, 4), attributes: ["axis": .int(0), "descending": .bool(true)]),
  ]
}
