import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let losses: Rules = [
    "aten.mse_loss.default": { try loss(.mseLoss, $0, ["self", "target"]) },
    "aten.l1_loss.default": { try loss(.l1Loss, $0, ["self", "target"]) },
    "aten.smooth_l1_loss.default": { try loss(.smoothL1Loss, $0, ["self", "target"], floats: ["beta"]) },
    "aten.huber_loss.default": { try loss(.huberLoss, $0, ["self", "target"], floats: ["delta"]) },
    "aten.binary_cross_entropy.default": { try loss(.binaryCrossEntropy, $0, ["self", "target", "weight"]) },
    "aten.binary_cross_entropy_with_logits.default": {
      try loss(.binaryCrossEntropyWithLogits, $0, ["self", "target", "weight", "pos_weight"])
    },
    "aten.kl_div.default": { try loss(.klDivergence, $0, ["self", "target"], flags: ["log_target"]) },
    "aten.poisson_nll_loss.default": {
      try loss(.poissonNLLLoss, $0, ["input", "target"], floats: ["eps"], flags: ["log_input", "full"])
    },
    "aten.hinge_embedding_loss.default": {
      try loss(.hingeEmbeddingLoss, $0, ["self", "target"], floats: ["margin"])
    },
    "aten.margin_ranking_loss.default": {
      try loss(.marginRankingLoss, $0, ["input1", "input2", "target"], floats: ["margin"])
    },
    "aten.soft_margin_loss.default": { try loss(.softMarginLoss, $0, ["self", "target"]) },
    "aten.cosine_embedding_loss.default": {
      try loss(.cosineEmbeddingLoss, $0, ["input1", "input2", "target"], floats: ["margin"], integral: ["target"])
    },
    "aten.triplet_margin_loss.default": {
      try loss(
        .tripletMarginLoss, $0, ["anchor", "positive", "negative"], floats: ["margin", "p", "eps"], flags: ["swap"])
    },
    "aten.multilabel_margin_loss.default": {
      try loss(.multilabelMarginLoss, $0, ["self", "target"], integral: ["target"])
    },
    "aten.nll_loss_nd.default": negativeLogLikelihood, "aten.nll_loss.default": negativeLogLikelihood,
    "aten.nll_loss2d.default": negativeLogLikelihood,
    "aten.nll_loss_forward.default": { [try negativeLogLikelihood($0)[0], .absent] },
    "aten.nll_loss2d_forward.default": { [try negativeLogLikelihood($0)[0], .absent] },
    "aten.cross_entropy_loss.default": { context in
      let target = try context.tensor("target")
      if context.type(target).dtype.isFloating {
        return try loss(.softCrossEntropy, context, ["self", "target", "weight"], floats: ["label_smoothing"])
      }
      return try loss(
        .crossEntropy, context, ["self", "target", "weight"], floats: ["label_smoothing"], integers: ["ignore_index"],
        integral: ["target"])
    },
    "aten.ctc_loss.Tensor": ctc, "aten.ctc_loss.IntList": ctc,
    "aten.cosine_similarity.default": { context in
      let (x, y) = try distant(context)
      let rank = max(context.type(x).rank, context.type(y).rank)
      return [
        try context.op(
          .cosineSimilarity, x, y,
          attributes: ["axis": .int(try context.axis("dim", rank: rank)), "eps": .float(try context.double("eps"))])
      ]
    },
    "aten.pairwise_distance.default": { context in
      let (x, y) = try distant(context)
      return [
        try context.op(
          .pairwiseDistance, x, y,
          attributes: [
            "p": .float(try context.double("p")), "eps": .float(try context.double("eps")),
            "keepdims": .bool(try context.bool("keepdim")),
          ])
      ]
    },
    "aten.cdist.default": distances, "aten._cdist_forward.default": distances,
    "aten._euclidean_dist.default": { context in
      let (x, y) = try distant(context)
      return [try context.op(.cdist, x, y)]
    },
    "aten.pdist.default": { context in
      [try context.op(.pdist, try context.tensor("self"), attributes: ["p": .float(try context.double("p"))])]
    },
  ]

  /// A loss whose operands, but for the integral ones, are cast to the result's element type.
  private static func loss(
    _ definition: OpDefinition, _ context: ImportContext, _ operands: [String], floats: [String] = [],
    flags: [String] = [], integers: [String] = [], integral: Set<String> = []
  ) throws -> [Operand] {
    let dtype = try context.resultType().dtype
    let tensors = try operands.map { name in
      let operand = try context.operand(name)
      return integral.contains(name) ? operand : try context.cast(operand, to: dtype)
    }
    var attributes: OrderedDictionary<String, Attribute> = [:]
    for name in integers { attributes[name] = .int(try context.int(name)) }
    for name in floats { attributes[name] = .float(try context.double(name)) }
    for name in flags { attributes[name] = .bool(try context.bool(name)) }
    let reductions = ["none", "mean", "sum"]
    let number = try context.int("reduction")
    guard reductions.indices.contains(number) else { throw context.unsupported("`reduction` is \(number)") }
    attributes["reduction"] = .string(reductions[number])
    return [try context.builder.apply(definition, tensors, attributes: attributes)[0]]
  }

  /// Connectionist temporal classification; one sequence without a batch axis gets one.
  private static let ctc: ImportVocabulary.Rule = { context in
    var (x, targets) = (try context.tensor("log_probs"), try context.tensor("targets"))
    let shape = context.type(x).shape
    let isBatched = shape.count == 3
    if !isBatched {
      x = try context.reshape(x, [shape[0], 1, shape[1]])
      targets = try context.reshape(targets, [1] + context.type(targets).shape)
    }
    guard context.type(targets).rank == 2 else {
      throw context.unsupported("targets of several sequences must be padded to [N, S]")
    }
    func lengths(_ name: String) throws -> Operand {
      if let known = context.argument(name).asList?.compactMap(\.asScalar), !known.isEmpty {
        guard let literal = TensorLiteral(dtype: .int64, shape: [known.count], elements: known) else {
          throw context.unsupported("`\(name)` must hold integers")
        }
        return try context.op(.constant, attributes: ["value": .literal(literal)])
      }
      return try context.reshape(try context.tensor(name), [context.type(x).shape[1]])
    }
    let reductions = ["none", "mean", "sum"]
    let number = try context.int("reduction")
    guard reductions.indices.contains(number) else { throw context.unsupported("`reduction` is \(number)") }
    let loss = try context.op(
      .ctcLoss, x, targets, try lengths("input_lengths"), try lengths("target_lengths"),
      attributes: [
        "blank": .int(try context.int("blank")), "zero_infinity": .bool(try context.bool("zero_infinity")),
        "reduction": .string(reductions[number]),
      ])
    return [isBatched ? loss : try context.reshape(loss, [])]
  }

  private static let negativeLogLikelihood: ImportVocabulary.Rule = { context in
    try loss(
      .nllLoss, context, ["self", "target", "weight"], integers: ["ignore_index"], integral: ["target"])
  }

  /// `x1` and `x2` in the result's element type.
  private static func distant(_ context: ImportContext) throws -> (Operand, Operand) {
    let dtype = try context.resultType().dtype
    return (
      try context.cast(try context.tensor("x1"), to: dtype), try context.cast(try context.tensor("x2"), to: dtype)
    )
  }

  private static let distances: ImportVocabulary.Rule = { context in
    let (x, y) = try distant(context)
    return [try context.op(.cdist, x, y, attributes: ["p": .float(try context.double("p"))])]
  }
}
