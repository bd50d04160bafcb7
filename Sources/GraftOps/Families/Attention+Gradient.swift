import GraftIR

extension GraphBuilder {
  /// The cotangents of the operands of attention, whose weights are computed again (Dao et al., 2022, appendix B).
  ///
  /// With weights P, which are the softmax of the scores, and the cotangent dO of the result O:
  ///
  ///     dV = Pᵀ dO    dP = dO Vᵀ    dS = P ∘ (dP - rowsum(dO ∘ O))    dQ = scale dS K    dK = scale dSᵀ Q
  ///
  /// Nothing is dropped from the weights here: dropout is an op of its own by the time that gradients are taken.
  func attentionGradients(_ op: OpCall, _ cotangent: Operand) throws -> [Operand?] {
    let turned: (Operand) throws -> Operand = try op.headsAreLast ? exchangingHeads : { $0 }
    let (query, key, value) = (try turned(op[0]), try turned(op[1]), try turned(op[2]))
    let ct = try turned(cotangent)
    let groups = try op.groups()
    let (wideKey, wideValue) = (try expandedHeads(key, groups), try expandedHeads(value, groups))
    let scale = Operand.float(try op.attentionScale())
    let scaled = try self(.multiply, query, scale)
    let scores = try self(.matmul, scaled, try matrixTransposed(wideKey))
    let weights = try maskedSoftmax(scores, mask: op[3], causal: try op.bool("causal"))
    let output = try op.results.first.map { try turned(.value($0)) } ?? self(.matmul, weights, wideValue)
    let share = try self(
      .sum, try self(.multiply, ct, output),
      attributes: ["axes": .ints([shape(ct).count - 1]), "keepdims": .bool(true)])
    let fromValues = try self(.matmul, ct, try matrixTransposed(wideValue))
    let dScores = try self(.multiply, weights, try self(.subtract, fromValues, share))
    let gradients = [
      (try self(.multiply, try self(.matmul, dScores, wideKey), scale), query),
      (try summedHeads(self(.matmul, try matrixTransposed(dScores), scaled), groups), key),
      (try summedHeads(self(.matmul, try matrixTransposed(weights), ct), groups), value),
    ]
    let isMaskAsked = op[3].asValue.map { op.varying?.contains($0) ?? true } ?? false
    return try gradients.map { try unbroadcast($0, like: $1).map(turned) }
      + [isMaskAsked ? unbroadcast(dScores, like: op[3]) : nil, nil]
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
