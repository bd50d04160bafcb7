import GraftIR
import GraftOps

extension LoweringRule {
  static let attention: [LoweringRule] = [
    LoweringRule(
      .scaledDotProductAttention, when: { $0["rng"].isAbsent && (try? $0.type(0).dtype.computeType) == .float32 }
    ) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      return [try planner.attention(call, shape).converted(to: dtype)]
    },
    LoweringRule(
      .attentionGradient,
      when: { call in
        let forward = call.attentionOfGradient
        return (try? forward.differsInHeadsOnly && call.type(0).dtype.computeType == .float32) ?? false
      }
    ) { planner, call in try planner.attentionGradients(call) },
  ]
}

extension Planner {
  /// Up to as many queries read keys and values in place.
  private static let fewQueries = 4

  fileprivate func attention(_ call: OpCall, _ shape: [Int]) throws -> Expression {
    let result = try features(of: shape, headsAreLast: call.headsAreLast)
    let target = result.headsFirst(try call.headsAreLast)
    let operands = try attentionOperands(call, batch: Array(target.shape.dropLast(2)))
    add(AttentionStep(operands: operands, packed: try packed(operands), target: target, kernels: kernels.matmul))
    return Expression(result)
  }

  fileprivate func attentionGradients(_ call: OpCall) throws -> [Expression] {
    let forward = call.attentionOfGradient
    let headsAreLast = try forward.headsAreLast
    let targets: [View?] = try call.results.indices.map { index in
      guard isUsed(call.results[index]) else { return nil }
      return try features(of: call.resultType(self, index).shape, headsAreLast: headsAreLast)
    }
    let own = targets.map { $0?.headsFirst(headsAreLast) }
    let cotangent = try features(call[0], headsAreLast)
    add(
      AttentionGradientStep(
        operands: try attentionOperands(forward, batch: Array(cotangent.shape.dropLast(2))), cotangent: cotangent,
        query: own[0], key: own[1], value: own[2], kernels: kernels.matmul))
    return try call.results.indices.map { index in
      let (shape, dtype) = try call.resultType(self, index)
      let unused = Expression(.scalar(.float(0)), dtype: .float32, shape: shape)
      return (targets[index].map { Expression($0) } ?? unused).converted(to: dtype)
    }
  }

  /// Memory for [..., H, T, D], or [..., T, H, D], where heads lie beside the features, as layers around attention have them.
  private func features(of shape: [Int], headsAreLast: Bool) throws -> View {
    let isTurned = shape.count > 2 && !headsAreLast
    return try allocate(shape, .float32, order: isTurned ? View.headsExchanged(shape.count) : nil)
  }

  /// An operand in memory as [..., H, T, D], with contiguous features.
  private func features(_ operand: Operand, _ headsAreLast: Bool) throws -> View {
    try rowsView(expression(operand, as: .float32).converted(to: .float32)).headsFirst(headsAreLast)
  }

  /// Query, key, value and mask of a call of attention over the leading axes `batch`, heads last among them.
  private func attentionOperands(_ call: OpCall, batch: [Int]) throws -> AttentionOperands {
    let (query, key, value) = (
      try features(call[0], call.headsAreLast), try features(call[1], call.headsAreLast),
      try features(call[2], call.headsAreLast)
    )
    let (rows, columns) = (query.shape[query.rank - 2], key.shape[key.rank - 2])
    let scale = try call.optional("scale")?.asDouble ?? 1 / Double(max(query.shape[query.rank - 1], 1)).squareRoot()
    let heads = batch.isEmpty ? [] : [max(key.shape[key.rank - 3], value.shape[value.rank - 3])]
    func shared(_ view: View) -> View { view.broadcast(to: batch.dropLast() + heads + view.shape.suffix(2)) }
    return AttentionOperands(
      query: query.broadcast(to: batch + query.shape.suffix(2)), key: shared(key), value: shared(value),
      mask: try mask(call[3], batch + [rows, columns]), scale: Float(scale), isCausal: try call.bool("causal"))
  }

  private func packed(_ operands: AttentionOperands) throws -> View? {
    if operands.queries <= Self.fewQueries { return nil }
    let count = kernels.matmul.packedCount(operands.kernelShape(outputRow: 0))
    let packed = try allocate([operands.keyHeads, count], .float32)
    add(PackAttentionStep(operands: operands, packed: packed, kernels: kernels.matmul))
    return packed
  }

  /// A mask in memory, under the shape of the scores.
  private func mask(_ operand: Operand, _ shape: [Int]) throws -> View? {
    if operand.isAbsent { return nil }
    let mask = try expression(operand, as: .float32)
    return try view(mask.dtype == .bool ? mask : mask.converted(to: .float32)).broadcast(to: shape)
  }
}

extension View {
  /// The axes of [..., H, T, D] in the order [..., T, H, D], and the other way round.
  fileprivate static func headsExchanged(_ rank: Int) -> [Int] {
    Array(0..<rank - 3) + [rank - 2, rank - 3, rank - 1]
  }

  /// [..., H, T, D], from [..., T, H, D] if the heads are last.
  fileprivate func headsFirst(_ headsAreLast: Bool) -> View {
    headsAreLast && rank > 2 ? transposed(Self.headsExchanged(rank)) : self
  }
}
