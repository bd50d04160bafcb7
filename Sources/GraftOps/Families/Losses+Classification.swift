import GraftIR

extension OpDefinition {
  private static let classSamples = [
    Sample(.normal(3, 4), .integers(0, 4, 3)),
    Sample(.normal(3, 4, 2), .integers(0, 4, 3, 2), .uniform(0.5, 2, 4), attributes: ["reduction": .string("sum")]),
  ]

  /// The axis of the classes in [C] or [N, C, ...].
  private static func classAxis(_ type: TensorType) -> Int { min(1, type.rank - 1) }

  private static func classified(_ call: OpCall) throws -> [TensorType] {
    let type = try call.type(0)
    guard type.rank >= 1 else { throw call.problem("takes [C] or [N, C, ...], not \(type)") }
    guard try call.string("reduction") == "none" else { return [type.with(shape: [])] }
    var shape = type.shape
    shape.remove(at: classAxis(type))
    return [type.with(shape: shape)]
  }

  /// The negative log likelihood of log-probabilities `x` [N, C, ...] at the classes `target` [N, ...].
  ///
  /// Targets equal to `ignore_index` count as nothing; the mean is weighted by the classes' weights [C].
  package static let nllLoss: OpDefinition = OpDefinition(
    "nll_loss", family: .loss, summary: "Negative log likelihood of log-probabilities at the target classes.",
    operands: [.tensor("x"), .tensor("target"), .optional("weight")],
    attributes: [AttributeSpec("ignore_index", .dim, default: .int(-100)), reduction],
    infer: classified,
    decomposition: { b, op in
      let (picked, scale) = try b.pickedClasses(op)
      return [try b.weighted(-(picked * scale), scale: scale, reduction: op.string("reduction"))]
    },
    spellings: [
      .torch("torch.nn.functional.nll_loss(input:x, target, weight=None, ignore_index=-100, reduction='mean)")
    ], samples: classSamples)

  /// ``nllLoss`` of `log_softmax(x)`, where `label_smoothing` is the share of each target spread over all classes.
  package static let crossEntropy: OpDefinition = OpDefinition(
    "cross_entropy", family: .loss, summary: "Cross entropy of logits with target classes.",
    operands: [.tensor("x"), .tensor("target"), .optional("weight")],
    attributes: [
      AttributeSpec("ignore_index", .dim, default: .int(-100)),
      AttributeSpec("label_smoothing", .float, default: .float(0)), reduction,
    ], infer: classified,
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = classAxis(type)
      let logProbabilities = try b(.logSoftmax, op[0], attributes: ["axis": .int(axis)])
      let inner = OpCall(
        op.definition, operands: [logProbabilities, op[1], op[2]], attributes: op.attributes,
        typeOf: { b.function.type(of: $0) })
      let (picked, scale) = try b.pickedClasses(inner)
      var terms = try -(picked * scale)
      let smoothing = try op.double("label_smoothing")
      if smoothing != 0 {
        var all = Term(b, logProbabilities)
        if !op[2].isAbsent { all = try all * Term(b, b.alongClasses(op[2], type)) }
        let valid = try b(.notEqual, op[1], .int(op.int("ignore_index")))
        let spread = try -b.sum(all, axis: axis).where_(Term(b, valid), else: 0)
        let count = Term(b, try b.size(type.shape[axis], dtype: type.dtype))
        terms = try terms * Term(1 - smoothing) + spread * Term(smoothing) / count
      }
      return [try b.weighted(terms, scale: scale, reduction: op.string("reduction"))]
    },
    spellings: [
      .torch("torch.nn.functional.cross_entropy(input:x, target, weight=None, ignore_index=-100, label_smoothing=0.0)")
    ], samples: classSamples)

  /// Cross entropy of logits `x` [N, C, ...] with target probabilities of the same shape.
  package static let softCrossEntropy: OpDefinition = OpDefinition(
    "soft_cross_entropy", family: .loss, summary: "Cross entropy of logits with target probabilities.",
    operands: [.tensor("x"), .tensor("target"), .optional("weight")],
    attributes: [AttributeSpec("label_smoothing", .float, default: .float(0)), reduction], infer: classified,
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = classAxis(type)
      var target = Term(b, op[1])
      let smoothing = try op.double("label_smoothing")
      if smoothing != 0 {
        let count = Term(b, try b.size(type.shape[axis], dtype: type.dtype))
        target = try target * Term(1 - smoothing) + (target * 0 + Term(smoothing)) / count
      }
      var terms = try target * Term(b, b(.logSoftmax, op[0], attributes: ["axis": .int(axis)]))
      if !op[2].isAbsent { terms = try terms * Term(b, b.alongClasses(op[2], type)) }
      return [try b.reduced((-b.sum(terms, axis: axis)).operand, by: op.string("reduction"))]
    }, spellings: [], samples: [Sample(.normal(3, 4), .uniform(0, 1, 3, 4))])

  /// The hinge loss of several target classes: `target` [N, C] lists them, up to the first negative number.
  package static let multilabelMarginLoss: OpDefinition = OpDefinition(
    "multilabel_margin_loss", family: .loss, summary: "Hinge loss of several target classes.",
    operands: [.tensor("x"), .tensor("target")], attributes: [reduction],
    infer: { call in
      let type = try call.type(0)
      let isReduced = try call.string("reduction") != "none"
      return [type.with(shape: isReduced ? [] : Array(type.shape.dropLast()))]
    }, differentiability: .recomputed, decomposition: { b, op in [try b.multilabelMargin(op)] },
    spellings: [.torch("torch.nn.functional.multilabel_margin_loss(input:x, target)")],
    samples: [Sample(.normal(3, 4), .integers(-1, 4, 3, 4))])

  /// Connectionist temporal classification (Graves et al., 2006): `x` [T, N, C] are log-probabilities, `targets`
  /// [N, S] labels, of which `target_lengths` [N] count, as do `input_lengths` [N] of the time steps. The gradient is taken
  /// through the log_softmax that made `x`, as PyTorch does.
  package static let ctcLoss: OpDefinition = OpDefinition(
    "ctc_loss", family: .loss, summary: "Connectionist temporal classification.",
    operands: [.tensor("x"), .tensor("targets"), .tensor("input_lengths"), .tensor("target_lengths")],
    attributes: [
      AttributeSpec("blank", .dim, default: .int(0)), AttributeSpec("zero_infinity", .bool, default: .bool(false)),
      reduction,
    ],
    infer: { call in
      let type = try call.type(0)
      guard type.rank == 3 else { throw call.problem("takes [T, N, C], not \(type)") }
      return [type.with(shape: try call.string("reduction") == "none" ? [type.shape[1]] : [])]
    }, differentiability: .recomputed, decomposition: { b, op in [try b.connectionistLoss(op)] },
    spellings: [.torch("torch.nn.functional.ctc_loss(log_probs:x, targets, input_lengths, target_lengths)")],
    samples: [
      Sample(
        .uniform(-3, -0.1, 6, 2, 4), .integers(1, 4, 2, 3), .integers(5, 7, 2), .integers(1, 3, 2),
        attributes: ["reduction": .string("none")]),
      Sample(.uniform(-3, -0.1, 6, 2, 4), .integers(1, 4, 2, 3), .integers(5, 7, 2), .integers(0, 3, 2)),
    ])
}

extension GraphBuilder {
  /// A tensor [C] shaped to broadcast along the classes of [N, C, ...].
  fileprivate func alongClasses(_ weight: Operand, _ type: TensorType) throws -> Operand {
    let axis = min(1, type.rank - 1)
    let shape = [type.shape[axis]] + Array(repeating: 1, count: type.rank - 1 - axis)
    return try self(.reshape, weight, attributes: ["shape": .dims(shape)])
  }

  /// The elements of operand 0 at the classes of operand 1, and each target's weight: zero where it is ignored.
  fileprivate func pickedClasses(_ op: OpCall) throws -> (picked: Term, scale: Term) {
    let type = try op.type(0)
    let axis = min(1, type.rank - 1)
    let target = try op.type(1)
    let classes = try self(
      .arange, attributes: ["count": .dim(type.shape[axis]), "dtype": .dtype(target.dtype)])
    var wide = target.shape
    wide.insert(1, at: axis)
    let matches = try self(
      .equal, try self(.reshape, op[1], attributes: ["shape": .dims(wide)]), try alongClasses(classes, type))
    let valid = try self(.notEqual, op[1], .int(op.int("ignore_index")))
    let chosen = Term(self, matches)
    let picked = try sum(Term(self, op[0]).where_(chosen, else: 0), axis: axis)
    var scale = Term(self, try self(.cast, valid, attributes: ["dtype": .dtype(type.dtype)]))
    if !op[2].isAbsent {
      let weights = try Term(self, alongClasses(op[2], type)).where_(chosen, else: 0)
      scale = try scale * sum(weights, axis: axis)
    }
    return (picked, scale)
  }

  /// The decomposition of ``OpDefinition/multilabelMarginLoss``.
  fileprivate func multilabelMargin(_ op: OpCall) throws -> Operand {
    let type = try op.type(0)
    let (axis, classes) = (type.rank - 1, type.shape[type.rank - 1])
    let labels = try self(.cast, op[1], attributes: ["dtype": .dtype(.int64)])
    let isEnd = try self(.cast, try self(.less, labels, .int(0)), attributes: ["dtype": .dtype(.int64)])
    let counts = try self(.equal, try self(.cumsum, isEnd, attributes: ["axis": .int(axis)]), .int(0))
    let safe = try self(.maximum, labels, .int(0))
    let column = try shaped(safe, type.shape + [1])
    let valid = try shaped(counts, type.shape + [1])
    let matches = try self(.equal, column, try positions(classes, axis: 0, rank: 1, dtype: .int64))
    let isListed = try self(.anyTrue, try self(.bitwiseAnd, matches, valid), attributes: ["axes": .ints([axis])])
    let own = Term(
      self, try shaped(self(.takeAlongAxis, op[0], safe, attributes: ["axis": .int(axis)]), type.shape + [1]))
    var row = type.shape
    row.insert(1, at: axis)
    let others = Term(self, try self(.bitwiseNot, try shaped(isListed, row)))
    let margins = try (1 - own + Term(self, shaped(op[0], row))).applying(.relu)
    let kept = try margins.where_(Term(self, valid) & others, else: 0)
    let total = try sum(sum(kept, axis: axis + 1), axis: axis)
    let terms = try total / Term(self, size(classes, dtype: type.dtype))
    return try reduced(terms.operand, by: op.string("reduction"))
  }

  /// Terms that are weighted already, reduced; the mean divides by the sum of the weights.
  fileprivate func weighted(_ terms: Term, scale: Term, reduction: String) throws -> Operand {
    guard reduction == "mean" else { return try reduced(terms.operand, by: reduction) }
    return try self(
      .divide, try reduced(terms.operand, by: "sum"), try reduced(scale.operand, by: "sum"))
  }
}
