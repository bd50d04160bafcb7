import GraftIR

extension OpDefinition {
  static let embeddings: [OpDefinition] = [embedding, embeddingBag]

  /// The rows of `weight` [count, width] that `indices` name; no gradient flows to the row `padding_index`.
  package static let embedding: OpDefinition = OpDefinition(
    "embedding", family: .embedding, summary: "The rows of a table that indices name.",
    operands: [.tensor("weight"), .tensor("indices")],
    attributes: [AttributeSpec("padding_index", .dim, default: Attribute.none)],
    infer: { call in
      let (weight, indices) = (try call.type(0), try call.type(1))
      guard weight.rank == 2, indices.dtype.isInteger else {
        throw call.problem("takes a matrix and integers, not \(weight) and \(indices)")
      }
      return [weight.with(shape: indices.shape + [weight.shape[1]])]
    },
    decomposition: { b, op in
      let list = Operand.list(op[1].values)
      let rows = try b(.index, op[0], list, attributes: ["axes": .ints([0])])
      guard let padding = try op.optional("padding_index")?.asDim else { return [rows] }
      let isPadding = try b(.equal, op[1], try b.size(padding, dtype: try op.type(1).dtype))
      let column = try b(.reshape, isPadding, attributes: ["shape": .dims(try op.type(1).shape + [1])])
      return [try b(.where_, column, try b(.stopGradient, rows), rows)]
    }, spellings: [.torch("torch.nn.functional.embedding(input:indices, weight, padding_idx:padding_index=None)")],
    samples: [
      Sample(.normal(5, 3), .integers(0, 5, 2, 4)),
      Sample(.normal(5, 3), .integers(0, 5, 2, 4), attributes: ["padding_index": .int(1)]),
    ])

  /// The sum, mean or maximum of the rows of `weight` [count, width] in each of `bags` bags.
  ///
  /// Bag b holds the rows that `indices` [K] names from `offsets[b]` up to the next bag's offset, without those of the row
  /// `padding_index`, each times its element of `scale` [K] if that is given. An empty bag yields zeros.
  package static let embeddingBag: OpDefinition = OpDefinition(
    "embedding_bag", family: .embedding, summary: "Sum, mean or maximum of rows of a table, bag by bag.",
    operands: [.tensor("weight"), .tensor("indices"), .tensor("offsets"), .optional("scale")],
    attributes: [
      AttributeSpec("bags", .dim), AttributeSpec("mode", .string(["sum", "mean", "max"]), default: .string("mean")),
      AttributeSpec("padding_index", .dim, default: Attribute.none),
    ],
    infer: { call in
      let (weight, indices) = (try call.type(0), try call.type(1))
      guard weight.rank == 2, indices.rank == 1, indices.dtype.isInteger else {
        throw call.problem("takes a matrix and a list of integers, not \(weight) and \(indices)")
      }
      return [weight.with(shape: [try call.dim("bags"), weight.shape[1]])]
    }, differentiability: .none("not derived yet"))
}
