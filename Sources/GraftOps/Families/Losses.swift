import GraftIR

extension OpDefinition {
  static let losses: [OpDefinition] =
    [
      mseLoss, l1Loss, smoothL1Loss, huberLoss, binaryCrossEntropy, binaryCrossEntropyWithLogits, klDivergence,
      poissonNLLLoss, hingeEmbeddingLoss, marginRankingLoss, softMarginLoss, cosineEmbeddingLoss, tripletMarginLoss,
      multilabelMarginLoss, nllLoss, crossEntropy, softCrossEntropy, ctcLoss,
    ] + distances

  static let reduction = AttributeSpec("reduction", .string(["none", "mean", "sum"]), default: .string("mean"))

  /// A loss: `terms` are its elements, of which the mean, the sum or all are the result.
  private static func loss(
    _ name: String, _ summary: String, _ operands: [OperandSpec], attributes: [AttributeSpec] = [],
    terms: @escaping Decomposition, torch: String,
    samples: [Sample] = [
      Sample(.normal(3, 4), .normal(3, 4)), Sample(.normal(3), .normal(3), attributes: ["reduction": .string("none")]),
    ]
  ) -> OpDefinition {
    let extra = operands.dropFirst(2).map { ", \($0.name)=None" }.joined()
    return OpDefinition(
      name, family: .loss, summary: summary, operands: operands, attributes: attributes + [reduction],
      infer: { call in
        let tensors = OpCall(
          call.definition, operands: call.operands.filter { $0.asValue != nil }, attributes: [:], typeOf: call.type(of:)
        )
        let type = try tensors.elementwiseType()
        return [try call.string("reduction") == "none" ? type : type.with(shape: [])]
      },
      decomposition: { b, op in
        let elements = try terms(b, op)[0]
        return [try b.reduced(elements, by: op.string("reduction"))]
      },
      spellings: [
        .torch("torch.nn.functional.\(torch)(input:\(operands[0].name), target:\(operands[1].name)\(extra))")
      ], samples: samples)
  }

  // MARK: Regression

  /// The squared error.
  package static let mseLoss: OpDefinition = loss(
    "mse_loss", "(x - y) ** 2.", [.tensor("x"), .tensor("y")], terms: formula { x, y in try (x - y).squared },
    torch: "mse_loss")

  /// The absolute error.
  package static let l1Loss: OpDefinition = loss(
    "l1_loss", "|x - y|.", [.tensor("x"), .tensor("y")], terms: formula { x, y in try (x - y).abs },
    torch: "l1_loss")

  /// `0.5 * d ** 2 / beta` for errors d below beta, `d - 0.5 * beta` above (Girshick, 2015).
  package static let smoothL1Loss: OpDefinition = loss(
    "smooth_l1_loss", "Squared error below beta, absolute above.", [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("beta", .float, default: .float(1))],
    terms: { b, op in
      let beta = Term(try op.double("beta"))
      let d = try (Term(b, op[0]) - Term(b, op[1])).abs
      if try op.double("beta") == 0 { return [d.operand] }
      return [try (0.5 * d.squared / beta).where_(d < beta, else: d - Term(0.5 * op.double("beta"))).operand]
    }, torch: "smooth_l1_loss")

  /// `0.5 * d ** 2` for errors d up to delta, `delta * (d - 0.5 * delta)` above (Huber, 1964).
  package static let huberLoss: OpDefinition = loss(
    "huber_loss", "Squared error up to delta, linear above.", [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("delta", .float, default: .float(1))],
    terms: { b, op in
      let delta = try op.double("delta")
      let d = try (Term(b, op[0]) - Term(b, op[1])).abs
      return [try (0.5 * d.squared).where_(d <= Term(delta), else: Term(delta) * (d - Term(0.5 * delta))).operand]
    }, torch: "huber_loss")

  // MARK: Likelihoods

  private static let probabilities = [
    Sample(.uniform(0.1, 0.9, 3, 4), .uniform(0, 1, 3, 4)),
    Sample(.uniform(0.1, 0.9, 3), .uniform(0, 1, 3), .uniform(0, 1, 3)),
  ]

  /// Cross entropy of probabilities; logarithms are limited to -100.
  package static let binaryCrossEntropy: OpDefinition = loss(
    "binary_cross_entropy", "Cross entropy of the probabilities x with the targets y.",
    [.tensor("x"), .tensor("y"), .optional("weight")],
    terms: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      let terms = try -(y * x.log.applying(.maximum, -100) + (1 - y) * (-x).log1p.applying(.maximum, -100))
      return [op[2].isAbsent ? terms.operand : try (terms * Term(b, op[2])).operand]
    }, torch: "binary_cross_entropy", samples: probabilities)

  /// Cross entropy of `sigmoid(x)`; `pos_weight` weighs the positive targets.
  package static let binaryCrossEntropyWithLogits: OpDefinition = loss(
    "binary_cross_entropy_with_logits", "Cross entropy of sigmoid(x) with the targets y.",
    [.tensor("x"), .tensor("y"), .optional("weight"), .optional("pos_weight")],
    terms: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      var positive = try y * x.applying(.logSigmoid)
      if !op[3].isAbsent { positive = try positive * Term(b, op[3]) }
      let terms = try -(positive + (1 - y) * (-x).applying(.logSigmoid))
      return [op[2].isAbsent ? terms.operand : try (terms * Term(b, op[2])).operand]
    }, torch: "binary_cross_entropy_with_logits", samples: probabilities)

  /// `y * (log(y) - x)`: x are log-probabilities; y too when `log_target`.
  package static let klDivergence: OpDefinition = loss(
    "kl_div", "Kullback-Leibler divergence of y from exp(x).", [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("log_target", .bool, default: .bool(false))],
    terms: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      if try op.bool("log_target") { return [try (y.exp * (y - x)).operand] }
      return [try (y.applying(.xlogy, y) - y * x).operand]
    }, torch: "kl_div", samples: Array(probabilities.prefix(1)))

  /// The negative log likelihood of counts y under a Poisson distribution of mean x, or exp(x) when `log_input`.
  package static let poissonNLLLoss: OpDefinition = loss(
    "poisson_nll_loss", "Negative log likelihood under a Poisson distribution.", [.tensor("x"), .tensor("y")],
    attributes: [
      AttributeSpec("log_input", .bool, default: .bool(true)), AttributeSpec("full", .bool, default: .bool(false)),
      AttributeSpec("eps", .float, default: .float(1e-8)),
    ],
    terms: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      let eps = Term(try op.double("eps"))
      let terms = try op.bool("log_input") ? x.exp - y * x : x - y * (x + eps).log
      guard try op.bool("full") else { return [terms.operand] }
      let isLarge = try y > 1
      let safe = try y.where_(isLarge, else: 1)
      let stirling = try safe * safe.log - safe + 0.5 * (safe * Term(2 * .pi)).log
      return [try (terms + stirling.where_(isLarge, else: 0)).operand]
    }, torch: "poisson_nll_loss", samples: Array(probabilities.prefix(1)))

  // MARK: Margins

  /// x where y is 1, `max(0, margin - x)` where y is -1.
  package static let hingeEmbeddingLoss: OpDefinition = loss(
    "hinge_embedding_loss", "x where y is 1, max(0, margin - x) where it is -1.", [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("margin", .float, default: .float(1))],
    terms: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      let gap = try Term(b, b(.clip, (Term(try op.double("margin")) - x).operand, .int(0)))
      return [
        try (gap.where_(y.applying(.notEqual, 1), else: 0) + x.where_(y.applying(.notEqual, -1), else: 0)).operand
      ]
    }, torch: "hinge_embedding_loss")

  /// `max(0, margin - target * (x - y))`.
  package static let marginRankingLoss: OpDefinition = loss(
    "margin_ranking_loss", "max(0, margin - target * (x - y)).", [.tensor("x"), .tensor("y"), .tensor("target")],
    attributes: [AttributeSpec("margin", .float, default: .float(0))],
    terms: { b, op in
      let gap = try Term(op.double("margin")) - Term(b, op[2]) * (Term(b, op[0]) - Term(b, op[1]))
      return [try b(.clip, gap.operand, .int(0))]
    }, torch: "margin_ranking_loss", samples: [Sample(.normal(3), .normal(3), .normal(3))])

  /// `log(1 + exp(-x * y))`.
  package static let softMarginLoss: OpDefinition = loss(
    "soft_margin_loss", "log(1 + exp(-x * y)).", [.tensor("x"), .tensor("y")],
    terms: formula { x, y in try (-(y * x)).applying(.softplus) }, torch: "soft_margin_loss")
}

extension GraphBuilder {
  /// The mean or sum of all elements, or the elements themselves.
  func reduced(_ elements: Operand, by reduction: String) throws -> Operand {
    if reduction == "none" { return elements }
    let axes = Attribute.ints(Array(0..<type(elements).rank))
    return try self(reduction == "sum" ? .sum : .mean, elements, attributes: ["axes": axes])
  }

  /// The sum over one axis.
  func sum(_ x: Term, axis: Int, keepdims: Bool = false) throws -> Term {
    Term(
      self, try self(.sum, x.operand, attributes: ["axes": .ints([axis]), "keepdims": .bool(keepdims)]))
  }
}
