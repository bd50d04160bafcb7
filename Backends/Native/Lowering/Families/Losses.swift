import GraftIR
import GraftOps

extension LoweringRule {
  /// Losses and statistics with a kernel of their own.
  static let losses: [LoweringRule] = [
    LoweringRule(.ctcLoss) { planner, call in [try planner.connectionistLoss(call)] },
    LoweringRule(.multilabelMarginLoss) { planner, call in
      let x = try planner.floating(call[0], call)
      let labels = try planner.integers(call[1])
      guard x.rank >= 1, labels.shape == x.shape else { throw planner.invalid("the targets must be as \(x.shape)") }
      let target = try planner.allocate(Array(x.shape.dropLast()), x.dtype)
      planner.add(
        try planner.floatingStep(
          x.dtype, float: MultilabelMarginStep<Float>(x: x, labels: labels, target: target),
          double: MultilabelMarginStep<Double>(x: x, labels: labels, target: target)))
      return [try planner.reduced(target, call, by: call.string("reduction"))]
    },
    LoweringRule(.pdist) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.floating(call[0], call)
      let order = try call.double("p")
      guard order >= 0 else { throw planner.invalid("there is no norm of order \(order)") }
      let target = try planner.allocate(shape, x.dtype)
      planner.add(
        try planner.floatingStep(
          x.dtype, float: RowDistanceStep<Float>(order: order, x: x, target: target),
          double: RowDistanceStep<Double>(order: order, x: x, target: target)))
      return [Expression(target).converted(to: dtype)]
    },
    LoweringRule(.quantile) { planner, call in [try planner.quantile(call)] },
  ]
}

extension Planner {
  fileprivate func floating(_ operand: Operand, _ call: OpCall) throws -> View {
    let type = try call.type(0).dtype.computeType
    return try view(expression(operand, as: type).converted(to: type))
  }

  fileprivate func integers(_ operand: Operand) throws -> View {
    try view(expression(operand, as: .int64).converted(to: .int64))
  }

  /// Losses, their mean or their sum.
  fileprivate func reduced(_ losses: View, _ call: OpCall, by reduction: String) throws -> Expression {
    let (_, dtype) = try call.resultType(self)
    var result = Expression(losses)
    if reduction != "none" {
      result = try reduce(.sum, result, over: Array(losses.shape.indices))
      if reduction == "mean" { result = try applying(.divide, result, number(Double(losses.count), like: result)) }
    }
    return result.converted(to: dtype)
  }

  fileprivate func connectionistLoss(_ call: OpCall) throws -> Expression {
    let x = try floating(call[0], call)
    let (labels, lengths, counts) = (try integers(call[1]), try integers(call[2]), try integers(call[3]))
    let (blank, drops) = (try call.int("blank"), try call.bool("zero_infinity"))
    let batch = x.shape[1]
    guard labels.rank == 2, labels.shape[0] == batch, lengths.shape == [batch], counts.shape == [batch] else {
      throw invalid("ctc_loss takes [N, S] labels and [N] lengths for \(x.shape)")
    }
    let target = try allocate([batch], x.dtype)
    let reduction = try call.string("reduction")
    add(
      try floatingStep(
        x.dtype,
        float: ConnectionistStep<Float>(
          blank: blank, dropsInfinity: drops, isPerLabel: reduction == "mean", x: x, labels: labels, lengths: lengths,
          labelCounts: counts, target: target),
        double: ConnectionistStep<Double>(
          blank: blank, dropsInfinity: drops, isPerLabel: reduction == "mean", x: x, labels: labels, lengths: lengths,
          labelCounts: counts, target: target)))
    return try reduced(target, call, by: reduction)
  }

  fileprivate func quantile(_ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    var x = try floating(call[0], call)
    if try call.optional("axis") != nil {
      let axis = try call.axis("axis", rank: x.rank)
      x = x.transposed(x.shape.indices.filter { $0 != axis } + [axis])
    } else {
      x = try view(reshaped(Expression(x), [x.shape.reduce(1, *)]))
    }
    let given = try expression(call[1], as: x.dtype).converted(to: x.dtype)
    guard given.shape.count <= 1 else { throw invalid("the shares of quantiles must be a list") }
    let shares = try view(reshaped(given, [given.shape.first ?? 1]))
    let target = try allocate([shares.shape[0]] + x.shape.dropLast(), x.dtype)
    let (method, ignores) = (try call.string("method"), try call.bool("ignores_nan"))
    add(
      try floatingStep(
        x.dtype,
        float: QuantileStep<Float>(
          method: .init(rawValue: method) ?? .linear, ignoresNaN: ignores, source: x, shares: shares, target: target),
        double: QuantileStep<Double>(
          method: .init(rawValue: method) ?? .linear, ignoresNaN: ignores, source: x, shares: shares, target: target)))
    return try reshaped(Expression(target), shape).converted(to: dtype)
  }
}
