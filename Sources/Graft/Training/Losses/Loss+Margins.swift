import GraftIR
import GraftOps

extension Loss {
  /// `max(0, margin - target * (x - y))` of two outputs x and y for targets 1 and -1, as `torch.nn.MarginRankingLoss`.
  public static func marginRanking(margin: Double = 0, reduction: Reduction = .mean) -> Loss {
    Loss(named: "margin_ranking_loss") { arguments in
      let x = try arguments.output(0)
      return try x.applying(
        .marginRankingLoss, [arguments.output(1), arguments.target.converted(to: x.dtype)],
        ["margin": .float(margin), "reduction": reduction.attribute])
    }
  }

  /// The output where the target is 1, `max(0, margin - output)` where it is -1, as `torch.nn.HingeEmbeddingLoss`.
  public static func hingeEmbedding(margin: Double = 1, reduction: Reduction = .mean) -> Loss {
    Loss(named: "hinge_embedding_loss") { output, target in
      try output.applying(
        .hingeEmbeddingLoss, [target.converted(to: output.dtype)],
        ["margin": .float(margin), "reduction": reduction.attribute])
    }
  }

  /// `log(1 + exp(-target * output))` for targets 1 and -1, as `torch.nn.SoftMarginLoss`.
  public static func softMargin(reduction: Reduction = .mean) -> Loss {
    Loss(named: "soft_margin_loss") { output, target in
      try output.applying(
        .softMarginLoss, [target.converted(to: output.dtype)], ["reduction": reduction.attribute])
    }
  }

  /// `1 - cos` of two outputs for the target 1, `max(0, cos - margin)` for -1, as `torch.nn.CosineEmbeddingLoss`.
  public static func cosineEmbedding(margin: Double = 0, reduction: Reduction = .mean) -> Loss {
    Loss(named: "cosine_embedding_loss") { arguments in
      try arguments.output(0).applying(
        .cosineEmbeddingLoss, [arguments.output(1), arguments.target],
        ["margin": .float(margin), "reduction": reduction.attribute])
    }
  }

  /// `max(0, margin + d(anchor, positive) - d(anchor, negative))` of three outputs (Balntas et al., 2016), as
  /// `torch.nn.TripletMarginLoss`.
  ///
  /// - Parameters:
  ///   - norm: the degree of the norm that distances are measured by.
  ///   - swap: whether the negative's distance from the positive counts where it is smaller.
  public static func tripletMargin(
    margin: Double = 1, norm: Double = 2, epsilon: Double = 1e-6, swap: Bool = false, reduction: Reduction = .mean
  ) -> Loss {
    Loss(named: "triplet_margin_loss") { arguments in
      try arguments.output(0).applying(
        .tripletMarginLoss, [arguments.output(1), arguments.output(2)],
        [
          "margin": .float(margin), "p": .float(norm), "eps": .float(epsilon), "swap": .bool(swap),
          "reduction": reduction.attribute,
        ])
    }
  }

  /// ``tripletMargin(margin:norm:epsilon:swap:reduction:)`` with a distance of one's own, as
  /// `torch.nn.TripletMarginWithDistanceLoss`.
  ///
  /// - Parameter distance: of two tensors [N, ...], one number for each sample.
  public static func tripletMargin(
    margin: Double = 1, swap: Bool = false, reduction: Reduction = .mean,
    distance: @escaping @Sendable (GraphTensor, GraphTensor) throws -> GraphTensor
  ) -> Loss {
    Loss(named: "triplet_margin_loss") { arguments in
      let (anchor, positive, negative) = (
        try arguments.output(0), try arguments.output(1), try arguments.output(2)
      )
      var far = try distance(anchor, negative)
      if swap { far = try far.minimum(distance(positive, negative)) }
      return try reduction.applied(to: (distance(anchor, positive) - far + GraphTensor(margin)).maximum(0))
    }
  }
}
