import GraftIR

extension OpDefinition {
  /// The gradients of ``scaledDotProductAttention`` with respect to query, key and value, from the cotangent of its result.
  ///
  /// The weights P, which are the softmax of the scores, are computed again (Dao et al., 2022, appendix B). With the
  /// cotangent dO of the result:
  ///
  ///     dV = Pᵀ dO    dP = dO Vᵀ    dS = P ∘ (dP - rowsum(P ∘ dP))    dQ = scale dS K    dK = scale dSᵀ Q
  ///
  /// Shapes, layouts and the mask are those of ``scaledDotProductAttention``; the results have the types of query, key and
  /// value. Nothing is dropped from the weights: dropout is an op of its own by the time that gradients are taken.
  package static let attentionGradient: OpDefinition = OpDefinition(
    "attention_gradient", family: .attention, summary: "Gradients of scaled dot-product attention.",
    operands: [.tensor("cotangent"), .tensor("query"), .tensor("key"), .tensor("value"), .optional("mask")],
    attributes: [
      AttributeSpec("scale", .float, default: Attribute.none),
      AttributeSpec("causal", .bool, default: .bool(false)),
      AttributeSpec("layout", .string(["heads_first", "heads_last"]), default: .string("heads_first")),
    ],
    results: ["dquery", "dkey", "dvalue"],
    infer: { call in
      let forward = call.attentionOfGradient
      try call.require(call.type(0), is: forward.attentionType(), "cotangent")
      return try (1...3).map(call.type)
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      try b.attentionGradients(op.attentionOfGradient, op[0], isMaskAsked: false).compactMap { $0 }
    },
    samples: [
      Sample(.normal(2, 3, 5, 8), .normal(2, 3, 5, 4), .normal(2, 3, 6, 4), .normal(2, 3, 6, 8)),
      Sample(
        .normal(2, 4, 5, 4), .normal(2, 4, 5, 4), .normal(2, 2, 5, 4), .normal(2, 2, 5, 4),
        attributes: ["causal": .bool(true)]),
      Sample(
        .normal(2, 5, 3, 8), .normal(2, 5, 3, 4), .normal(2, 6, 3, 4), .normal(2, 6, 3, 8), .normal(5, 6),
        attributes: ["scale": .float(0.3), "layout": .string("heads_last")]),
    ])
}

extension OpCall {
  /// The call of attention that a call of its gradient belongs to: the same without the cotangent.
  package var attentionOfGradient: OpCall {
    OpCall(
      .scaledDotProductAttention, operands: Array(operands.dropFirst()), attributes: attributes, typeOf: typeOf)
  }
}

extension GraphBuilder {
  /// The cotangents of the operands of attention: those of query, key and value by an op, unless the mask's is asked too.
  func attentionCotangents(_ op: OpCall, _ cotangent: Operand) throws -> [Operand?] {
    if op.isVarying(3) { return try attentionGradients(op, cotangent, isMaskAsked: true) + [nil] }
    let attributes = op.attributes.filter { $0.key != "dropout_rate" }
    return try apply(.attentionGradient, [cotangent] + op.operands.prefix(4), attributes: attributes) + [nil, nil]
  }

  /// The gradients of query, key, value and mask as a graph of products.
  fileprivate func attentionGradients(
    _ op: OpCall, _ cotangent: Operand, isMaskAsked: Bool
  ) throws -> [Operand?] {
    let turned: (Operand) throws -> Operand = try op.headsAreLast ? exchangingHeads : { $0 }
    let (query, key, value) = (try turned(op[0]), try turned(op[1]), try turned(op[2]))
    let ct = try turned(cotangent)
    let groups = try op.groups()
    let (wideKey, wideValue) = (try expandedHeads(key, groups), try expandedHeads(value, groups))
    let scale = Operand.float(try op.attentionScale())
    let scaled = try self(.multiply, query, scale)
    let scores = try self(.matmul, scaled, try matrixTransposed(wideKey))
    let weights = try maskedSoftmax(scores, mask: op[3], causal: try op.bool("causal"))
    let fromValues = try self(.matmul, ct, try matrixTransposed(wideValue))
    let share = try self(
      .sum, try self(.multiply, weights, fromValues),
      attributes: ["axes": .ints([shape(scores).count - 1]), "keepdims": .bool(true)])
    let dScores = try self(.multiply, weights, try self(.subtract, fromValues, share))
    let gradients = [
      (try self(.multiply, try self(.matmul, dScores, wideKey), scale), query),
      (try summedHeads(self(.matmul, try matrixTransposed(dScores), scaled), groups), key),
      (try summedHeads(self(.matmul, try matrixTransposed(weights), ct), groups), value),
    ]
    return try gradients.map { try unbroadcast($0, like: $1).map(turned) }
      + [isMaskAsked ? unbroadcast(dScores, like: op[3]) : nil]
  }

  /// The sums over the query heads that share a head of key or value x [..., H, S, D].
  private func summedHeads(_ x: Operand, _ groups: Int?) throws -> Operand {
    guard let groups else { return x }
    var extents = shape(x)
    let axis = extents.count - 3
    extents[axis] = extents[axis].floorDivided(by: Dim(groups))
    extents.insert(Dim(groups), at: axis + 1)
    let grouped = try self(.reshape, x, attributes: ["shape": .dims(extents)])
    return try self(.sum, grouped, attributes: ["axes": .ints([axis + 1])])
  }
}
