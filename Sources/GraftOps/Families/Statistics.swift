package import GraftIR
package import OrderedCollections

package typealias OrderedAttributes = OrderedDictionary<String, Attribute>

extension OpDefinition {
  static let statistics: [OpDefinition] = [
    variance, standardDeviation, logSumExp, vectorNorm, matrixNorm, quantile, histogram,
  ]

  /// The mean squared distance from the mean, with `correction` taken off the count (1: Bessel's).
  package static let variance: OpDefinition = reduction(
    "var", "Variance over the axes, with a correction taken off the count.", accepts: .inexact,
    attributes: [AttributeSpec("correction", .float, default: .float(0))],
    decomposition: { b, op in
      let type = try op.type(0)
      let axes = try op.attribute("axes")
      let mean = try b(.mean, op[0], attributes: ["axes": axes, "keepdims": .bool(true)])
      let centred = try b(.subtract, op[0], mean)
      let total = try b(
        .sum, try b(.multiply, centred, centred),
        attributes: ["axes": axes, "keepdims": try op.attribute("keepdims")])
      let correction = try op.double("correction")
      let count = try b.size(try op.reducedCount(), dtype: type.dtype)
      if let known = count.asScalar?.asDouble {
        return [try b(.divide, total, .float(max(0, known - correction)))]
      }
      return [try b(.divide, total, correction == 0 ? count : try b(.subtract, count, .float(correction)))]
    }, spellings: [.numpy("x.var(axis:axes=None, ddof:correction=0, keepdims=False)")])

  /// The square root of the variance.
  package static let standardDeviation: OpDefinition = reduction(
    "std", "Standard deviation over the axes, with a correction taken off the count.", accepts: .inexact,
    attributes: [AttributeSpec("correction", .float, default: .float(0))],
    decomposition: { b, op in [try b(.sqrt, try b(.variance, op[0], attributes: op.attributes))] },
    spellings: [.numpy("x.std(axis:axes=None, ddof:correction=0, keepdims=False)")])

  /// `log(sum(exp(x)))` over `axes`, without overflow.
  package static let logSumExp: OpDefinition = reduction(
    "logsumexp", "Logarithm of the sum of exponentials over the axes.", accepts: .inexact,
    decomposition: { b, op in
      let axes = try op.attribute("axes")
      let highest = try b(
        .stopGradient, try b(.amax, op[0], attributes: ["axes": axes, "keepdims": .bool(true)]))
      let infinite = try b(.equal, try b(.subtract, highest, highest), .int(0))
      let shift = try b(.where_, infinite, highest, .int(0))
      let total = try b(
        .sum, try b(.exp, try b(.subtract, op[0], shift)), attributes: ["axes": axes, "keepdims": .bool(true)])
      let result = try b(.add, try b(.log, total), shift)
      let shape = ShapeRule.reduced(
        try op.type(0).shape, axes: try op.ints("axes"), keepdims: try op.bool("keepdims"))
      return [try b(.reshape, result, attributes: ["shape": .dims(shape)])]
    },
    spellings: [
      .torch("torch.logsumexp(input:x, dim:axes, keepdim:keepdims=False)"),
      .tensorFlow("tensorflow.reduce_logsumexp(input_tensor:x, axis:axes=None, keepdims=False)"),
    ])

  /// The `order`-norm of the elements over `axes`: `(sum |x| ** order) ** (1 / order)`, the largest or smallest
  /// magnitude for an infinite order, the number of elements that are not zero for order 0.
  ///
  /// The gradient is zero where the norm is.
  package static let vectorNorm: OpDefinition = reduction(
    "vector_norm", "Norm of the elements over the axes.", accepts: .inexact,
    attributes: [AttributeSpec("order", .float, default: .float(2))], result: { $0.realType },
    decomposition: { b, op in [try b.vectorNorm(op)] },
    spellings: [
      .torch("torch.linalg.vector_norm(x, ord:order=2, dim:axes=None, keepdim:keepdims=False)"),
      .numpy("numpy.linalg.vector_norm(x, ord:order=2, axis:axes=None, keepdims=False)"),
    ],
    samples: [0, 1, 2, 3, .infinity].map { order in
      Sample(.normal(3, 4), attributes: ["axes": .ints([1]), "order": .float(order)])
    })

  /// A norm of the matrices of the last two axes from their singular values: their sum (`nuc`), the largest (`2`) or the
  /// smallest (`-2`).
  package static let matrixNorm: OpDefinition = OpDefinition(
    "matrix_norm", family: .linearAlgebra, summary: "Norm of matrices from their singular values.",
    operands: [.tensor("x")],
    attributes: [
      AttributeSpec("order", .string(["nuc", "2", "-2"])), AttributeSpec("keepdims", .bool, default: .bool(false)),
    ],
    infer: { call in
      let type = try call.type(0)
      guard type.rank >= 2 else { throw call.problem("takes matrices, not \(type)") }
      let shape = ShapeRule.reduced(
        type.shape, axes: [type.rank - 2, type.rank - 1], keepdims: try call.bool("keepdims"))
      return [TensorType(type.dtype.realType, shape)]
    },
    decomposition: { b, op in
      let rank = try op.type(0).rank
      let values = try b(.singularValues, op[0])
      let along: OrderedAttributes = ["axes": .ints([rank - 2])]
      let norm: Operand
      switch try op.string("order") {
      case "nuc": norm = try b(.sum, values, attributes: along)
      case "2": norm = try b(.amax, values, attributes: along)
      default: norm = try b(.amin, values, attributes: along)
      }
      let shape = ShapeRule.reduced(
        try op.type(0).shape, axes: [rank - 2, rank - 1], keepdims: try op.bool("keepdims"))
      return [try b.shaped(norm, shape)]
    },
    samples: ["nuc", "2", "-2"].map { order in
      Sample(.normal(2, 4, 3), attributes: ["order": .string(order), "keepdims": .bool(order == "2")])
    })

  /// The `q`-quantiles [k] or the one `q` of the elements along `axis` (all of them without one): a new first axis of
  /// extent k unless `q` is a scalar. `ignores_nan` leaves NaN out; otherwise one makes the result NaN.
  package static let quantile: OpDefinition = OpDefinition(
    "quantile", family: .reduction, summary: "Quantiles along an axis.",
    operands: [.tensor("x"), .tensorOrScalar("q")],
    attributes: [
      AttributeSpec("axis", .axis, default: Attribute.none), AttributeSpec("keepdims", .bool, default: .bool(false)),
      AttributeSpec(
        "method", .string(["linear", "lower", "higher", "nearest", "midpoint"]), default: .string("linear")),
      AttributeSpec("ignores_nan", .bool, default: .bool(false)),
    ],
    infer: { call in
      let type = try call.type(0)
      let axes = try call.optional("axis") == nil ? Array(0..<type.rank) : [try call.axis("axis", rank: type.rank)]
      let shape = ShapeRule.reduced(type.shape, axes: axes, keepdims: try call.bool("keepdims"))
      return [type.with(shape: (call[1].asValue == nil ? [] : try call.type(1).shape) + shape)]
    }, differentiability: .recomputed, decomposition: { b, op in [try b.quantile(op)] },
    samples: ["linear", "lower", "higher", "nearest", "midpoint"].map { method in
      Sample(.normal(3, 5), .uniform(0, 1, 2), attributes: ["axis": .int(1), "method": .string(method)])
    } + [Sample(.normal(3, 5), .scalar(.float(0.3)), attributes: ["ignores_nan": .bool(true)])])

  /// The number of elements of `x` in each of `bins` equal parts from `low` to `high`, which both belong to a part;
  /// elements outside do not count.
  package static let histogram: OpDefinition = OpDefinition(
    "histogram", family: .reduction, summary: "The number of elements in each of equal parts of a range.",
    operands: [.tensor("x"), .tensorOrScalar("low"), .tensorOrScalar("high")],
    attributes: [AttributeSpec("bins", .dim)],
    infer: { call in
      let type = try call.type(0)
      try call.require(type, .floating)
      return [type.with(shape: [try call.dim("bins")])]
    },
    decomposition: { b, op in
      let (type, bins) = (try op.type(0), try op.dim("bins"))
      let (x, low, high) = (Term(b, op[0]), Term(b, op[1]), Term(b, op[2]))
      let width: Term
      if let low = op[1].asScalar?.asDouble, let high = op[2].asScalar?.asDouble {
        width = Term(high - low)
      } else {
        width = try high - low
      }
      let share = try (x - low) * Term(b, b.size(bins, dtype: type.dtype)) / width
      let last = try b.size(bins - 1, dtype: .int64)
      let part = try b(.minimum, try b(.cast, share.operand, attributes: ["dtype": .dtype(.int64)]), last)
      let isInside = try b(.bitwiseAnd, (x >= low).operand, (x <= high).operand)
      let counted = try b(.cast, isInside, attributes: ["dtype": .dtype(type.dtype)])
      let zeros = try b.full(type.with(shape: [bins]), .float(0))
      let list = Operand.list([part].compactMap(\.asValue))
      return [try b(.indexUpdate, zeros, counted, list, attributes: ["axes": .ints([0]), "mode": .string("add")])]
    },
    spellings: [],
    samples: [Sample(.normal(3, 4), .scalar(.float(-1)), .scalar(.float(1)), attributes: ["bins": .int(5)])])
}

extension GraphBuilder {
  /// The decomposition of ``OpDefinition/quantile``.
  fileprivate func quantile(_ op: OpCall) throws -> Operand {
    let type = try op.type(0)
    let axis = try op.optional("axis")?.asInt
    let rest = (0..<type.rank).filter { axis != nil && $0 != axis }
    let moved = try axis.map { try self(.transpose, op[0], attributes: ["permutation": .ints(rest + [$0])]) } ?? op[0]
    let lines = rest.map { type.shape[$0] }
    let extent = axis.map { type.shape[$0] } ?? type.count
    let flat = try shaped(moved, lines + [extent])
    let ordered = try self(.sort, flat, attributes: ["axis": .int(lines.count)])
    let shares = op[1].asValue.map { function.type(of: $0).shape.reduce(1, *) } ?? 1
    let q =
      try op[1].asValue == nil
      ? self(.broadcastTo, full(TensorType(type.dtype), op[1].asScalar ?? .int(0)), attributes: ["shape": .ints([1])])
      : shaped(op[1], [shares])
    let every: OrderedAttributes = ["axes": .ints([lines.count]), "keepdims": .bool(true)]
    let isNaN = try self(.isNaN, ordered)
    let numbers = try self(
      .sum, try self(.cast, try self(.bitwiseNot, isNaN), attributes: ["dtype": .dtype(type.dtype)]),
      attributes: every)
    let (last, isMissing): (Term, Operand)
    if try op.bool("ignores_nan") {
      (last, isMissing) = (try Term(self, numbers) - 1, try self(.equal, numbers, .float(0)))
    } else {
      let zeros = Term(self, try full(type.with(shape: lines + [1]), .int(0)))
      last = try zeros + Term(self, size(extent - 1, dtype: type.dtype))
      isMissing = try self(.anyTrue, isNaN, attributes: every)
    }
    let result = try picked(ordered, Term(self, q) * last, method: op.string("method"))
    let checked = try self(.where_, isMissing, .float(.nan), result.operand)
    let front = try self(
      .transpose, checked, attributes: ["permutation": .ints([lines.count] + Array(0..<lines.count))])
    let kept = ShapeRule.reduced(
      type.shape, axes: axis.map { [$0] } ?? Array(0..<type.rank), keepdims: try op.bool("keepdims"))
    return try shaped(front, (op[1].asValue.map { function.type(of: $0).shape } ?? []) + kept)
  }

  /// The element at a place between elements of the last axis.
  private func picked(_ ordered: Operand, _ place: Term, method: String) throws -> Term {
    let axis = shape(ordered).count - 1
    func element(_ place: Term) throws -> Term {
      let index = try self(.cast, place.operand, attributes: ["dtype": .dtype(.int64)])
      let safe = try self(.maximum, index, .int(0))
      return Term(self, try self(.takeAlongAxis, ordered, safe, attributes: ["axis": .int(axis)]))
    }
    let (low, high) = (try place.applying(.floor), try place.applying(.ceil))
    switch method {
    case "lower": return try element(low)
    case "higher": return try element(high)
    case "nearest": return try element(place.applying(.round))
    default:
      let (a, b) = (try element(low), try element(high))
      let share = try method == "linear" ? place - low : (high - low) * 0.5
      return try a.where_(a.applying(.equal, b), else: a + share * (b - a))
    }
  }

  fileprivate func vectorNorm(_ op: OpCall) throws -> Operand {
    let (axes, order) = (
      ["axes": try op.attribute("axes"), "keepdims": try op.attribute("keepdims")],
      try op.double("order")
    )
    let attributes = OrderedAttributes(uniqueKeysWithValues: axes.sorted { $0.key < $1.key })
    let dtype = try op.type(0).dtype
    guard dtype.isFloating else { throw op.problem("the norm of complex numbers is not written out") }
    let x = op[0]
    if order == 0 {
      let marked = try self(.cast, try self(.notEqual, x, .int(0)), attributes: ["dtype": .dtype(dtype)])
      return try self(.sum, marked, attributes: attributes)
    }
    let magnitude =
      order == 2
      ? try self(.multiply, x, x) : try self(.where_, try self(.less, x, .int(0)), try self(.negative, x), x)
    switch order {
    case 1: return try self(.sum, magnitude, attributes: attributes)
    case .infinity: return try self(.amax, magnitude, attributes: attributes)
    case -.infinity: return try self(.amin, magnitude, attributes: attributes)
    default:
      let powers = order == 2 ? magnitude : try self(.power, magnitude, .float(order))
      let total = try self(.sum, powers, attributes: attributes)
      let isPositive = try self(.greater, total, .int(0))
      let safe = try self(.where_, isPositive, total, .int(1))
      let root = order == 2 ? try self(.sqrt, safe) : try self(.power, safe, .float(1 / order))
      return try self(.where_, isPositive, root, .int(0))
    }
  }
}
