import GraftIR
import GraftOps

extension LoweringRule {
  static let attention: [LoweringRule] = [
    LoweringRule(
      .scaledDotProductAttention, when: { $0["rng"].isAbsent && (try? $0.type(0).dtype.computeType) == .float32 }
    ) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      return [try planner.attention(call, shape).converted(to: dtype)]
    }
  ]
}

extension Planner {
  /// Up to as many queries read keys and values in place.
  private static let fewQueries = 4

  fileprivate func attention(_ call: OpCall, _ shape: [Int]) throws -> Expression {
    let headsAreLast = try call.string("layout") == "heads_last"
    let rank = shape.count
    let exchange = Array(0..<rank - 3) + [rank - 2, rank - 3, rank - 1]
    func features(_ operand: Operand) throws -> View {
      let view = try rowsView(expression(operand, as: .float32).converted(to: .float32))
      return headsAreLast ? view.transposed(exchange) : view
    }
    let (query, key, value) = (try features(call[0]), try features(call[1]), try features(call[2]))
    let (rows, columns) = (query.shape[rank - 2], key.shape[rank - 2])
    let scale = try call.optional("scale")?.asDouble ?? 1 / Double(max(query.shape[rank - 1], 1)).squareRoot()
    let batch = Array((headsAreLast ? exchange.map { shape[$0] } : shape).dropLast(2))
    let heads = rank < 3 ? [] : [max(key.shape[rank - 3], value.shape[rank - 3])]
    func shared(_ view: View) -> View { view.broadcast(to: batch.dropLast() + heads + view.shape.suffix(2)) }
    let operands = AttentionOperands(
      query: query.broadcast(to: batch + query.shape.suffix(2)), key: shared(key), value: shared(value),
      mask: try mask(call[3], batch + [rows, columns]), scale: Float(scale), isCausal: try call.bool("causal"))
    // Heads lie beside the features in memory, as the layer after attention reads them.
    let outer = batch + [rows, value.shape[rank - 1]]
    let target = try allocate(outer, .float32, order: rank > 2 ? exchange : nil)
    add(AttentionStep(operands: operands, packed: try packed(operands), target: target, kernels: kernels.matmul))
    return Expression(headsAreLast ? target.transposed(exchange) : target)
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
