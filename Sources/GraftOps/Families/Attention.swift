package import GraftIR

extension OpDefinition {
  static let attention: [OpDefinition] = [scaledDotProductAttention, attentionGradient, rotaryEmbedding]

  /// `softmax(scale * query @ key.T + mask) @ value` over query [..., T, D], key [..., S, D], value [..., S, E].
  ///
  /// With `layout = "heads_last"` the heads stand beside the features: query [..., T, H, D], key [..., S, H, D], value
  /// [..., S, H, E], the mask [..., H, T, S] as ever.
  /// The mask [..., T, S] is boolean, true where a query sees a key, or is added to the scores; `causal` lets query i
  /// see keys 0 to i. A query that sees nothing yields zeros. `scale` is `1 / sqrt(D)` unless given. Where key and value
  /// have fewer heads (axis -3) than query, each serves as many consecutive query heads. With a key `rng`, a share
  /// `dropout_rate` of the weights is dropped in training.
  package static let scaledDotProductAttention: OpDefinition = OpDefinition(
    "attention", family: .attention, summary: "Scaled dot-product attention.",
    operands: [.tensor("query"), .tensor("key"), .tensor("value"), .optional("mask"), .optional("rng")],
    attributes: [
      AttributeSpec("scale", .float, default: Attribute.none),
      AttributeSpec("causal", .bool, default: .bool(false)),
      AttributeSpec("dropout_rate", .float, default: .float(0)),
      AttributeSpec("layout", .string(["heads_first", "heads_last"]), default: .string("heads_first")),
    ],
    infer: { call in [try call.attentionType()] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return op.operands.map { _ in nil } }
      return try b.attentionCotangents(op, ct)
    },
    decomposition: { b, op in
      if try op.headsAreLast { return [try b.attentionHeadsFirst(op)] }
      let groups = try op.groups()
      let (key, value) = (try b.expandedHeads(op[1], groups), try b.expandedHeads(op[2], groups))
      let scores = try b(
        .multiply, try b(.matmul, op[0], try b.matrixTransposed(key)), .float(try op.attentionScale()))
      let weights = try b.maskedSoftmax(scores, mask: op[3], causal: try op.bool("causal"))
      let rate = try op.double("dropout_rate")
      let kept =
        op[4].isAbsent || rate == 0 ? weights : try b(.dropout, weights, op[4], attributes: ["rate": .float(rate)])
      return [try b(.matmul, kept, value)]
    },
    spellings: [
      .torch(
        "torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask:mask=None, "
          + "is_causal:causal=False, scale=None)")
    ],
    samples: [
      Sample(.normal(2, 3, 5, 4), .normal(2, 3, 6, 4), .normal(2, 3, 6, 4)),
      Sample(.normal(2, 4, 5, 4), .normal(2, 2, 5, 4), .normal(2, 2, 5, 4), attributes: ["causal": .bool(true)]),
      Sample(
        .normal(2, 3, 5, 4), .normal(2, 3, 6, 4), .normal(2, 3, 6, 8), .normal(5, 6), attributes: ["scale": .float(0.3)]
      ),
      Sample(
        .normal(2, 5, 4, 6), .normal(2, 5, 2, 6), .normal(2, 5, 2, 6),
        attributes: ["causal": .bool(true), "layout": .string("heads_last")]),
    ])
}

extension OpDefinition {
  /// `x * cos + concat([-x2, x1]) * sin`, where x1 and x2 are the halves of the last axis of x [..., D].
  ///
  /// With cos and sin, which broadcast to x, of angles that repeat after D / 2, each pair of elements (i, i + D / 2) is
  /// turned by its angle (Su et al., 2021).
  package static let rotaryEmbedding: OpDefinition = OpDefinition(
    "rotary_embedding", family: .attention, summary: "Turns pairs of elements by angles that stand for positions.",
    operands: [.tensor("x"), .tensor("cos"), .tensor("sin")],
    infer: { call in
      let (x, cos, sin) = (try call.type(0), try call.type(1), try call.type(2))
      guard let extent = x.shape.last, extent.exactQuotient(by: 2) != nil else {
        throw call.problem("the last axis of \(x) has no halves")
      }
      guard [cos, sin].allSatisfy({ $0.dtype == x.dtype && ShapeRule.broadcast($0.shape, x.shape) == x.shape }) else {
        throw call.problem("\(cos) and \(sin) do not fit \(x)")
      }
      return [x]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let type = try op.type(0)
      let (last, extent) = (type.rank - 1, type.shape[type.rank - 1])
      let half = extent.floorDivided(by: 2)
      let lower = try b.slice(op[0], axis: last, from: 0, to: half)
      let upper = try b(.negative, try b.slice(op[0], axis: last, from: half, to: extent))
      let turned = try b(
        .concat, .list([upper, lower].compactMap(\.asValue)), attributes: ["axis": .int(last)])
      return [try b(.add, try b(.multiply, op[0], op[1]), try b(.multiply, turned, op[2]))]
    },
    samples: [
      Sample(.normal(2, 3, 5, 4), .normal(5, 4), .normal(5, 4)), Sample(.normal(3, 6), .normal(3, 6), .normal(1, 6)),
    ])
}

extension OpCall {
  /// Whether query, key and value are [..., T, H, D] instead of [..., H, T, D].
  package var headsAreLast: Bool { get throws { try string("layout") == "heads_last" } }

  /// The type of query, key or value with the heads first.
  private func headsFirst(_ index: Int) throws -> TensorType {
    var type = try type(index)
    if try headsAreLast, type.rank >= 3 { type.shape.swapAt(type.rank - 3, type.rank - 2) }
    return type
  }

  /// How many consecutive query heads share a head of key and value; nil when all have their own or there are none.
  package func groups() throws -> Int? {
    let (query, key) = (try headsFirst(0), try headsFirst(1))
    guard query.rank >= 3, key.rank >= 3, query.shape[query.rank - 3] != key.shape[key.rank - 3],
      let heads = query.shape[query.rank - 3].knownValue, let shared = key.shape[key.rank - 3].knownValue, shared > 1,
      heads % shared == 0
    else { return nil }
    return heads / shared
  }

  /// Whether key and value have the leading axes of query, but for heads that serve several heads of query.
  package var differsInHeadsOnly: Bool {
    get throws {
      let batches = try (0..<3).map { Array(try headsFirst($0).shape.dropLast(2)) }
      guard batches[1] == batches[2], batches[0].count == batches[1].count else { return false }
      return try groups() == nil ? batches[0] == batches[1] : batches[0].dropLast() == batches[1].dropLast()
    }
  }

  func attentionType() throws -> TensorType {
    let (query, key, value) = (try headsFirst(0), try headsFirst(1), try headsFirst(2))
    let least = try headsAreLast ? 3 : 2
    guard query.rank >= least, key.rank >= least, value.rank >= least else {
      throw problem("takes \(least == 2 ? "[..., T, D]" : "[..., T, H, D]"), not \(query), \(key) and \(value)")
    }
    guard query.shape[query.rank - 1] == key.shape[key.rank - 1],
      key.shape[key.rank - 2] == value.shape[value.rank - 2]
    else { throw problem("shapes do not fit: \(query), \(key) and \(value)") }
    var (keyBatch, valueBatch) = (Array(key.shape.dropLast(2)), Array(value.shape.dropLast(2)))
    let queryBatch = Array(query.shape.dropLast(2))
    if try groups() != nil, let heads = queryBatch.last, valueBatch.count == keyBatch.count {
      guard keyBatch.last == valueBatch.last else { throw problem("heads do not fit: \(query), \(key) and \(value)") }
      keyBatch[keyBatch.count - 1] = heads
      valueBatch[valueBatch.count - 1] = heads
    }
    guard let scores = ShapeRule.broadcast(queryBatch, keyBatch), let batch = ShapeRule.broadcast(scores, valueBatch)
    else { throw problem("leading axes do not broadcast: \(query), \(key) and \(value)") }
    var shape = batch + [query.shape[query.rank - 2], value.shape[value.rank - 1]]
    if least == 3 { shape.swapAt(shape.count - 3, shape.count - 2) }
    return query.with(shape: shape)
  }

  /// What scores are multiplied with.
  func attentionScale() throws -> Double { try optional("scale")?.asDouble ?? defaultScale(type(0)) }

  func defaultScale(_ query: TensorType) throws -> Double {
    guard let extent = query.shape[query.rank - 1].knownValue, extent > 0 else {
      throw problem("needs `scale` where the last extent of \(query) is not known")
    }
    return 1 / Double(extent).squareRoot()
  }
}

extension GraphBuilder {
  /// [..., T, H, D] from [..., H, T, D], or the other way round.
  package func exchangingHeads(_ x: Operand) throws -> Operand {
    try exchanging(x, axesFromEnd: 3, 2)
  }

  /// Attention whose heads are last, by attention whose heads are first.
  fileprivate func attentionHeadsFirst(_ op: OpCall) throws -> Operand {
    var attributes = op.attributes
    attributes["layout"] = nil
    let operands = try op.operands.prefix(3).map(exchangingHeads) + op.operands.dropFirst(3)
    return try exchangingHeads(apply(.scaledDotProductAttention, operands, attributes: attributes)[0])
  }

  /// The last two axes exchanged.
  func matrixTransposed(_ x: Operand) throws -> Operand {
    try exchanging(x, axesFromEnd: 2, 1)
  }

  /// Two axes exchanged, where x has both; 1 is the last.
  private func exchanging(_ x: Operand, axesFromEnd a: Int, _ b: Int) throws -> Operand {
    let rank = shape(x).count
    var permutation = Array(0..<rank)
    if rank >= max(a, b) { permutation.swapAt(rank - a, rank - b) }
    return try self(.transpose, x, attributes: ["permutation": .ints(permutation)])
  }

  /// A key or value [..., H, S, D] with each head repeated for the query heads that share it.
  func expandedHeads(_ x: Operand, _ groups: Int?) throws -> Operand {
    guard let groups else { return x }
    var wide = shape(x)
    let axis = wide.count - 2
    wide.insert(1, at: axis)
    let inserted = try self(.reshape, x, attributes: ["shape": .dims(wide)])
    wide[axis] = Dim(groups)
    let repeated = try self(.broadcastTo, inserted, attributes: ["shape": .dims(wide)])
    wide.remove(at: axis)
    wide[axis - 1] = wide[axis - 1] * Dim(groups)
    return try self(.reshape, repeated, attributes: ["shape": .dims(wide)])
  }

  /// Softmax over the last axis of scores [..., T, S] among what is seen; zeros where nothing is.
  func maskedSoftmax(_ scores: Operand, mask: Operand, causal: Bool) throws -> Operand {
    let type = type(scores)
    let last = type.rank - 1
    if mask.isAbsent && !causal { return try self(.softmax, scores, attributes: ["axis": .int(last)]) }
    var scores = scores
    let hidden = Operand.float(-.infinity)
    if causal {
      let (rows, columns) = (type.shape[last - 1], type.shape[last])
      let row = try self(.arange, attributes: ["count": .dim(rows), "dtype": .dtype(.int32)])
      let column = try self(.arange, attributes: ["count": .dim(columns), "dtype": .dtype(.int32)])
      let below = try self(.reshape, row, attributes: ["shape": .dims([rows, 1])])
      scores = try self(.where_, try self(.greaterEqual, below, column), scores, hidden)
      // Every query sees the first key.
      if mask.isAbsent { return try self(.softmax, scores, attributes: ["axis": .int(last)]) }
    }
    if mask.asValue != nil {
      let isBoolean = self.type(mask).dtype == .bool
      scores = try isBoolean ? self(.where_, mask, scores, hidden) : self(.add, scores, mask)
    }
    let open = try self(.cast, try self(.notEqual, scores, hidden), attributes: ["dtype": .dtype(.float32)])
    let count = try self(.sum, open, attributes: ["axes": .ints([last]), "keepdims": .bool(true)])
    let sees = try self(.greater, count, .int(0))
    let weights = try self(
      .softmax, try self(.where_, sees, scores, .float(0)), attributes: ["axis": .int(last)])
    return try self(.where_, sees, weights, .float(0))
  }
}
