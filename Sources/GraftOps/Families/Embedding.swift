import GraftIR

extension OpDefinition {
  static let embeddings: [OpDefinition] = [embedding]

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
}
