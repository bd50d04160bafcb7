import GraftIR
import GraftOps

extension Loss {
  /// The cross entropy of logits with classes, as `torch.nn.CrossEntropyLoss`.
  ///
  /// Targets are classes [N, ...] of an integer type, or probabilities of the output's shape and a floating type.
  ///
  /// - Parameters:
  ///   - weight: a weight for each class [C].
  ///   - ignoreIndex: targets that count as nothing.
  ///   - labelSmoothing: the share of each target that is spread over all classes (Szegedy et al., 2016).
  ///   - classAxis: where the output has its classes; 1 is PyTorch's convention, -1 that of language models [N, T, C].
  public static func crossEntropy(
    weight: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, classAxis: Int = 1,
    reduction: Reduction = .mean
  ) -> Loss {
    Loss(named: "cross_entropy") { arguments in
      var (output, target) = (try arguments.output, try arguments.target)
      if output.rank > 1, output.axis(classAxis) != 1 { (output, target) = try rows(output, target, classAxis) }
      let weights = try GraphTensor.optional(weight?.converted(to: output.dtype), in: output)
      if target.dtype.isFloating {
        return try output.applying(
          .softCrossEntropy, [try target.converted(to: output.dtype), weights],
          ["label_smoothing": .float(labelSmoothing), "reduction": reduction.attribute])
      }
      return try output.applying(
        .crossEntropy, [target, weights],
        [
          "ignore_index": .int(ignoreIndex), "label_smoothing": .float(labelSmoothing),
          "reduction": reduction.attribute,
        ])
    }
  }

  /// The cross entropy of logits with class numbers, as
  /// ``crossEntropy(weight:ignoreIndex:labelSmoothing:classAxis:reduction:)``.
  public static var crossEntropy: Loss { crossEntropy() }

  /// The negative log likelihood of log-probabilities at the target classes, as `torch.nn.NLLLoss`.
  public static func nll(weight: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean) -> Loss {
    Loss(.nllLoss, reduction, ["ignore_index": .int(ignoreIndex)], weights: weight)
  }

  /// The cross entropy of probabilities with targets in [0, 1], as `torch.nn.BCELoss`.
  ///
  /// - Parameter weight: factors of the terms, which broadcast to them.
  public static func binaryCrossEntropy(weight: Tensor? = nil, reduction: Reduction = .mean) -> Loss {
    Loss(.binaryCrossEntropy, reduction, weights: weight)
  }

  /// The cross entropy of the sigmoid of the output with targets in [0, 1], as `torch.nn.BCEWithLogitsLoss`.
  ///
  /// - Parameters:
  ///   - weight: factors of the terms, which broadcast to them.
  ///   - positiveWeight: factors of the positive targets.
  public static func binaryCrossEntropyWithLogits(
    weight: Tensor? = nil, positiveWeight: Tensor? = nil, reduction: Reduction = .mean
  ) -> Loss {
    Loss(.binaryCrossEntropyWithLogits, reduction, weights: weight, positiveWeight)
  }

  /// Binary cross entropies of several labels [N, C], averaged over these, as `torch.nn.MultiLabelSoftMarginLoss`.
  public static func multilabelSoftMargin(weight: Tensor? = nil, reduction: Reduction = .mean) -> Loss {
    Loss(named: "multilabel_soft_margin_loss") { output, target in
      let target = try target.converted(to: output.dtype)
      var terms = try output.applying(
        .binaryCrossEntropyWithLogits, [target], ["reduction": .string("none")])
      if let weight { terms = try terms * .constant(weight.converted(to: output.dtype), in: output) }
      return try reduction.applied(to: terms.mean([-1]))
    }
  }

  /// The hinge loss of several target classes [N, C], which end at the first negative number, as
  /// `torch.nn.MultiLabelMarginLoss`.
  public static func multilabelMargin(reduction: Reduction = .mean) -> Loss { Loss(.multilabelMarginLoss, reduction) }

  /// The hinge loss of one class among many (Weston and Watkins, 1999), as `torch.nn.MultiMarginLoss`: outputs [N, C]
  /// or [C].
  ///
  /// - Parameters:
  ///   - power: 1 or 2.
  ///   - weight: a weight for each class [C].
  public static func multiMargin(
    power: Int = 1, margin: Double = 1, weight: Tensor? = nil, reduction: Reduction = .mean
  ) -> Loss {
    Loss(named: "multi_margin_loss") { output, target in
      guard let classes = output.shape.last ?? nil else { throw Problem.missing("the number of classes") }
      let isTarget = try oneHot(target, classes, output)
      let chosen = try isTarget.select(output, else: 0).sum([-1], keepdims: true)
      var terms = try (GraphTensor(margin) - chosen + output).maximum(0)
      if power == 2 { terms = try terms.squared() }
      if let weight {
        let weights = try GraphTensor.constant(weight.converted(to: output.dtype), in: output)
        terms = try terms * isTarget.select(weights, else: 0).sum([-1], keepdims: true)
      }
      terms = try isTarget.select(0, else: terms).sum([-1]) / GraphTensor(Double(classes))
      return try reduction.applied(to: terms)
    }
  }

  /// Connectionist temporal classification (Graves et al., 2006), as `torch.nn.CTCLoss`: an output [T, N, C] of
  /// log-probabilities and three targets, labels [N, S] and the lengths of the outputs and of the labels [N].
  public static func ctc(blank: Int = 0, zeroInfinity: Bool = false, reduction: Reduction = .mean) -> Loss {
    Loss(named: "ctc_loss") { arguments in
      try arguments.output.applying(
        .ctcLoss, [arguments.target(0), arguments.target(1), arguments.target(2)],
        ["blank": .int(blank), "zero_infinity": .bool(zeroInfinity), "reduction": reduction.attribute])
    }
  }

  /// Outputs [..., C, ...] as [N, C], and targets as [N] or [N, C].
  private static func rows(
    _ output: GraphTensor, _ target: GraphTensor, _ classAxis: Int
  ) throws -> (GraphTensor, GraphTensor) {
    func flat(_ tensor: GraphTensor) throws -> GraphTensor {
      let axis = tensor.axis(classAxis)
      guard tensor.type.shape.indices.contains(axis) else { throw Problem.missing("axis \(classAxis) of the classes") }
      let others = (0..<tensor.rank).filter { $0 != axis }
      let rows = others.reduce(1) { $0 * tensor.type.shape[$1] }
      return try tensor.transposed(others + [axis])
        .applying(.reshape, [], ["shape": .dims([rows, tensor.type.shape[axis]])])
    }
    return (try flat(output), try target.dtype.isFloating ? flat(target) : target.flattened())
  }

  /// Where the classes along the last axis of `output` are the targets.
  static func oneHot(_ target: GraphTensor, _ classes: Int, _ output: GraphTensor) throws -> GraphTensor {
    let numbers = try GraphTensor.constant(Tensor((0..<classes).map { Int64($0) }), in: output)
    return try target.converted(to: .int64).expandingDimension(-1) .== numbers
  }
}
