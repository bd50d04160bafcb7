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
    }, differentiability: .recomputed, decomposition: { b, op in [try b.bags(op)] },
    samples: ["sum", "mean", "max"].map { mode in
      Sample(
        .normal(5, 3), .integers(0, 5, 6), .integers(0, 1, 2),
        attributes: ["bags": .int(2), "mode": .string(mode), "padding_index": .int(1)])
    } + [
      Sample(
        .normal(5, 3), .integers(0, 5, 6), .integers(0, 1, 1), .normal(6),
        attributes: ["bags": .int(1), "mode": .string("sum")])
    ])
}

extension GraphBuilder {
  /// The decomposition of ``OpDefinition/embeddingBag``.
  fileprivate func bags(_ op: OpCall) throws -> Operand {
    let (weight, bags) = (try op.type(0), try op.dim("bags"))
    let count = try op.type(1).shape[0]
    let rows = try self(.index, op[0], .list(op[1].values), attributes: ["axes": .ints([0])])
    let scaled = try op[3].isAbsent ? rows : self(.multiply, rows, try shaped(op[3], [count, 1]))
    let counts = try countedRows(op, count)
    let position = try self(.arange, attributes: ["count": .dim(count), "dtype": .dtype(.int64)])
    let starts = try self(.cast, op[2], attributes: ["dtype": .dtype(.int64)])
    let upTo = try self(
      .searchSorted, starts, position, attributes: ["right": .bool(true), "dtype": .dtype(.int64)])
    let bag = try self(.subtract, upTo, .int(1))
    let column = try shaped(counts, [count, 1])
    let mode = try op.string("mode")
    if mode == "max" { return try largestOfBags(scaled, counts, bag, bags) }
    let list = Operand.list(bag.values)
    let shares = try self(.where_, column, scaled, .float(0))
    let add: OrderedAttributes = ["axes": .ints([0]), "mode": .string("add")]
    let sums = try self(
      .indexUpdate, try full(weight.with(shape: [bags, weight.shape[1]]), .float(0)), shares, list, attributes: add)
    if mode == "sum" { return sums }
    let ones = try self(.cast, column, attributes: ["dtype": .dtype(weight.dtype)])
    let sizes = try self(
      .indexUpdate, try full(weight.with(shape: [bags, 1]), .float(0)), ones, list, attributes: add)
    return try self(.divide, sums, try self(.maximum, sizes, .float(1)))
  }

  /// Whether each row counts.
  private func countedRows(_ op: OpCall, _ count: Dim) throws -> Operand {
    guard let padding = try op.optional("padding_index")?.asDim else {
      return try full(TensorType(.bool, [count]), .bool(true))
    }
    return try self(.notEqual, op[1], try size(padding, dtype: try op.type(1).dtype))
  }

  /// The largest of the rows [K, width] in each bag; zeros where there is none.
  private func largestOfBags(_ rows: Operand, _ counts: Operand, _ bag: Operand, _ bags: Dim) throws -> Operand {
    let (count, width) = (shape(rows)[0], shape(rows)[1])
    let own = try self(.equal, try shaped(bag, [1, count]), try positions(bags, axis: 0, rank: 2, dtype: .int64))
    let isIn = try shaped(self(.bitwiseAnd, own, counts), [bags, count, 1])
    let candidates = try self(.where_, isIn, try shaped(rows, [1, count, width]), .float(-.infinity))
    let any = try self(.anyTrue, isIn, attributes: ["axes": .ints([1])])
    let some = try self(.where_, try shaped(any, [bags, 1, 1]), candidates, .float(0))
    return try self(.amax, some, attributes: ["axes": .ints([1])])
  }
}
