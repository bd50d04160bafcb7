import GraftIR

extension OpDefinition {
  static let distances: [OpDefinition] = [cosineSimilarity, pairwiseDistance, cdist, pdist]

  /// The cosine of the angle between vectors along an axis; norms are at least `eps`.
  package static let cosineSimilarity: OpDefinition = OpDefinition(
    "cosine_similarity", family: .loss, summary: "Cosine of the angle between vectors along an axis.",
    operands: [.tensor("x"), .tensor("y")],
    attributes: [AttributeSpec("axis", .axis), AttributeSpec("eps", .float, default: .float(1e-8))],
    infer: { call in
      let type = try call.elementwiseType()
      return [
        type.with(shape: ShapeRule.reduced(type.shape, axes: [try call.axis("axis", rank: type.rank)], keepdims: false))
      ]
    },
    decomposition: { b, op in
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      let rank = try max(op.type(0).rank, op.type(1).rank)
      let eps = Operand.float(try op.double("eps"))
      func product(_ x: Term, _ y: Term) throws -> Term {
        let product = try x * y
        let axis = try op.int("axis") - (rank - b.type(product.operand).rank)
        return try b.sum(product, axis: axis)
      }
      func norm(_ x: Term) throws -> Term { Term(b, try b(.clip, product(x, x).sqrt.operand, eps)) }
      return [try (product(x, y) / (norm(x) * norm(y))).operand]
    },
    spellings: [
      .torch("torch.nn.functional.cosine_similarity(x1:x, x2:y, dim:axis=1, eps=1e-08)")
    ], samples: [Sample(.normal(3, 4), .normal(3, 4), attributes: ["axis": .int(1)])])

  private static let order = AttributeSpec("p", .float, default: .float(2))

  /// The p-norm of `x - y + eps` over the last axis.
  package static let pairwiseDistance: OpDefinition = OpDefinition(
    "pairwise_distance", family: .loss, summary: "The p-norm of x - y + eps over the last axis.",
    operands: [.tensor("x"), .tensor("y")],
    attributes: [
      order, AttributeSpec("eps", .float, default: .float(1e-6)),
      AttributeSpec("keepdims", .bool, default: .bool(false)),
    ],
    infer: { call in
      let type = try call.elementwiseType()
      return [
        type.with(
          shape: ShapeRule.reduced(type.shape, axes: [type.rank - 1], keepdims: try call.bool("keepdims")))
      ]
    },
    decomposition: { b, op in
      let difference = try Term(b, op[0]) - Term(b, op[1]) + Term(op.double("eps"))
      let axis = b.type(difference.operand).rank - 1
      let keepdims = try op.bool("keepdims")
      switch try op.double("p") {
      case 1: return [try b.sum(difference.abs, axis: axis, keepdims: keepdims).operand]
      case 2: return [try b.sum(difference.squared, axis: axis, keepdims: keepdims).sqrt.operand]
      case let p:
        let powers = try difference.abs.applying(.power, Term(p))
        return [try b.sum(powers, axis: axis, keepdims: keepdims).applying(.power, Term(1 / p)).operand]
      }
    },
    spellings: [
      .torch("torch.nn.functional.pairwise_distance(x1:x, x2:y, p=2.0, eps=1e-06, keepdim:keepdims=False)")
    ], samples: [Sample(.normal(3, 4), .normal(3, 4))])

  /// The p-norm distance of each of the vectors `x` [..., P, M] from each of `y` [..., R, M].
  package static let cdist: OpDefinition = OpDefinition(
    "cdist", family: .loss, summary: "Distance of each vector of x from each of y.",
    operands: [.tensor("x"), .tensor("y")], attributes: [order],
    infer: { call in
      let (x, y) = (try call.type(0), try call.type(1))
      guard x.rank >= 2, y.rank >= 2,
        let batch = ShapeRule.broadcast(Array(x.shape.dropLast(2)), Array(y.shape.dropLast(2)))
      else { throw call.problem("takes [..., P, M] and [..., R, M], not \(x) and \(y)") }
      return [x.with(shape: batch + [x.shape[x.rank - 2], y.shape[y.rank - 2]])]
    },
    decomposition: { b, op in
      let (x, y) = (try op.type(0), try op.type(1))
      var (row, column) = (x.shape, y.shape)
      row.insert(1, at: x.rank - 1)
      column.insert(1, at: y.rank - 2)
      let left = Term(b, try b(.reshape, op[0], attributes: ["shape": .dims(row)]))
      let right = Term(b, try b(.reshape, op[1], attributes: ["shape": .dims(column)]))
      let difference = try (left - right).abs
      let axis = b.type(difference.operand).rank - 1
      let p = try op.double("p")
      if p == 1 { return [try b.sum(difference, axis: axis).operand] }
      let total = try b.sum(p == 2 ? difference.squared : difference.applying(.power, Term(p)), axis: axis)
      let isZero = try total.applying(.equal, 0)
      let safe = try Term(1).where_(isZero, else: total)
      let root = try p == 2 ? safe.sqrt : safe.applying(.power, Term(1 / p))
      return [try Term(0).where_(isZero, else: root).operand]
    },
    spellings: [.torch("torch.cdist(x1:x, x2:y, p=2.0)")], samples: [Sample(.normal(3, 4), .normal(5, 4))])

  /// The distances between the rows of `x` [N, M], those of row i from the rows after it, in order.
  package static let pdist: OpDefinition = OpDefinition(
    "pdist", family: .loss, summary: "Distances between the rows of x.", operands: [.tensor("x")],
    attributes: [order],
    infer: { call in
      let type = try call.type(0)
      guard type.rank == 2 else { throw call.problem("takes [N, M], not \(type)") }
      return [type.with(shape: [(type.shape[0] * (type.shape[0] - 1)).floorDivided(by: 2)])]
    }, differentiability: .recomputed,
    decomposition: { b, op in
      let x = try op.type(0)
      let pairs = try b(
        .triuIndices,
        attributes: [
          "rows": .dim(x.shape[0]), "columns": .dim(x.shape[0]), "offset": .int(1), "dtype": .dtype(.int64),
          "count": .dim((x.shape[0] * (x.shape[0] - 1)).floorDivided(by: 2)),
        ])
      func rows(_ index: Int) throws -> Term {
        let list = try b(.select, pairs, attributes: ["axis": .int(0), "index": .int(index)])
        return Term(b, try b(.index, op[0], .list(list.values), attributes: ["axes": .ints([0])]))
      }
      return [
        try b(
          .vectorNorm, (try rows(0) - rows(1)).operand,
          attributes: ["axes": .ints([1]), "order": try op.attribute("p")])
      ]
    },
    spellings: [.torch("torch.nn.functional.pdist(input:x, p=2.0)")], samples: [Sample(.normal(4, 3))])
}
