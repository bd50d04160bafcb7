import GraftIR

extension OpDefinition {
  /// `1 - cos(x, y)` where the target is 1, `max(0, cos(x, y) - margin)` where it is -1; x and y are [N, D] or [D].
  package static let cosineEmbeddingLoss: OpDefinition = OpDefinition(
    "cosine_embedding_loss", family: .loss, summary: "1 - cos(x, y) for the target 1, max(0, cos - margin) for -1.",
    operands: [.tensor("x"), .tensor("y"), .tensor("target")],
    attributes: [AttributeSpec("margin", .float, default: .float(0)), reduction],
    infer: { call in
      let type = try call.type(0)
      return [type.with(shape: try call.string("reduction") == "none" ? try call.type(2).shape : [])]
    },
    decomposition: { b, op in
      let (x, y, target) = (Term(b, op[0]), Term(b, op[1]), Term(b, op[2]))
      let axis = try op.type(0).rank - 1
      let eps = Term(1e-12)
      let norms = try ((b.sum(x.squared, axis: axis) + eps) * (b.sum(y.squared, axis: axis) + eps)).sqrt
      let cosine = try b.sum(x * y, axis: axis) / norms
      let beyond = Term(b, try b(.clip, (cosine - Term(try op.double("margin"))).operand, .int(0)))
      let terms =
        try (1 - cosine).where_(target.applying(.equal, 1), else: 0)
        + beyond.where_(target.applying(.equal, -1), else: 0)
      return [try b.reduced(terms.operand, by: op.string("reduction"))]
    },
    spellings: [.torch("torch.nn.functional.cosine_embedding_loss(input1:x, input2:y, target, margin=0.0)")],
    samples: [Sample(.normal(3, 4), .normal(3, 4), .integers(1, 2, 3))])

  /// `max(0, margin + distance(anchor, positive) - distance(anchor, negative))`.
  ///
  /// With `swap` the distance of the negative from the positive counts if it is smaller.
  package static let tripletMarginLoss: OpDefinition = OpDefinition(
    "triplet_margin_loss", family: .loss, summary: "max(0, margin + d(anchor, positive) - d(anchor, negative)).",
    operands: [.tensor("anchor"), .tensor("positive"), .tensor("negative")],
    attributes: [
      AttributeSpec("margin", .float, default: .float(1)), AttributeSpec("p", .float, default: .float(2)),
      AttributeSpec("eps", .float, default: .float(1e-6)), AttributeSpec("swap", .bool, default: .bool(false)),
      reduction,
    ],
    infer: { call in
      let type = try call.elementwiseType()
      return [type.with(shape: try call.string("reduction") == "none" ? Array(type.shape.dropLast()) : [])]
    },
    decomposition: { b, op in
      func distance(_ x: Operand, _ y: Operand) throws -> Term {
        Term(
          b,
          try b(
            .pairwiseDistance, x, y,
            attributes: [
              "p": .float(try op.double("p")), "eps": .float(try op.double("eps")),
            ]))
      }
      var far = try distance(op[0], op[2])
      if try op.bool("swap") { far = try far.applying(.minimum, distance(op[1], op[2])) }
      let gap = try distance(op[0], op[1]) - far + Term(op.double("margin"))
      return [try b.reduced(b(.clip, gap.operand, .int(0)), by: op.string("reduction"))]
    },
    spellings: [
      .torch("torch.nn.functional.triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06)")
    ], samples: [Sample(.normal(3, 4), .normal(3, 4), .normal(3, 4))])
}
