import GraftIR
import GraftOps

/// Writes what ops do in one mode by ops that do the same in both: in training, draws become operations of their own, which
/// a derivative can share, and batch normalisation takes the batch's statistics, which are computed beside it.
struct SettleMode: Pass {
  let name = "settle the mode"
  let isTraining: Bool

  func run(_ function: Function) throws -> Function {
    let fixed = try FixMode(isTraining: isTraining).run(function)
    return try Rewriter(name, [Self.batchStatistics] + (isTraining ? Self.training : Self.inference)).run(fixed)
  }

  private static let batchStatistics = RewriteRule("batch_norm by the batch", "batch_norm") { b, site in
    try site.op.normalizesByGivenStatistics ? nil : try b.batchNormByBatch(site.op)
  }

  private static let inference: [RewriteRule] = [
    RewriteRule("random_relu in inference", "random_relu") { b, site in
      let slope = try (site.op.double("lower") + site.op.double("upper")) / 2
      let scaled = try b(.multiply, site.op[0], .float(slope))
      return [try b(.where_, try b(.greater, site.op[0], .int(0)), site.op[0], scaled)]
    }
  ]

  private static let training: [RewriteRule] = [
    RewriteRule("dropout in training", "dropout") { b, site in
      let (type, rate) = (b.type(site.op[0]), try site.op.double("rate"))
      if rate == 0 { return site.forward(site.op[0]) }
      if rate == 1 { return [try b(.multiply, site.op[0], .float(0))] }
      let shared = try site.op.axes("shared_axes", rank: type.rank)
      let shape = type.shape.indices.map { shared.contains($0) ? 1 : type.shape[$0] }
      let drawn = try b(
        .uniform, site.op[1],
        attributes: ["shape": .dims(shape), "dtype": .dtype(type.dtype == .float64 ? .float64 : .float32)])
      let scaled = try b(.divide, site.op[0], .float(1 - rate))
      return [try b(.where_, try b(.less, drawn, .float(1 - rate)), scaled, .float(0))]
    },
    RewriteRule("random_relu in training", "random_relu") { b, site in
      let type = b.type(site.op[0])
      let slope = try b(
        .uniform, site.op[1],
        attributes: [
          "shape": .dims(type.shape), "dtype": .dtype(type.dtype), "low": try site.op.attribute("lower"),
          "high": try site.op.attribute("upper"),
        ])
      let scaled = try b(.multiply, site.op[0], slope)
      return [try b(.where_, try b(.greater, site.op[0], .int(0)), site.op[0], scaled)]
    },
    RewriteRule("dropout within an op", "attention", "lstm", "gru", "rnn") { b, site in
      guard let key = site.op.definition.operandIndex("rng"), !site.op[key].isAbsent else { return nil }
      return try site.op.definition.decomposition?(b, site.op)
    },
  ]
}
