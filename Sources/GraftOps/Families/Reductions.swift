package import GraftIR

extension OpDefinition {
  static let reductions: [OpDefinition] =
    [sum, mean, prod, amax, amin, anyTrue, allTrue, argmax, argmin, countNonzero] + statistics

  /// The sum over `axes`; booleans are counted as int64.
  package static let sum: OpDefinition = reduction(
    "sum", "Sum over the axes.", accepts: .any, result: { $0 == .bool ? .int64 : $0 },
    differentiability: .vjp { b, op, ct in [try b.rebroadcast(ct[0], over: op)] },
    spellings: reductionSpellings("sum"))

  /// The mean over `axes`.
  package static let mean: OpDefinition = reduction(
    "mean", "Mean over the axes.", accepts: .inexact,
    decomposition: { b, op in
      let type = try op.type(0)
      let total = try b(.sum, op[0], attributes: op.attributes)
      return [try b(.divide, total, try b.size(try op.reducedCount(), dtype: type.dtype))]
    }, spellings: reductionSpellings("mean"))

  /// The product over `axes`.
  package static let prod: OpDefinition = reduction(
    "prod", "Product over the axes.",
    differentiability: .vjp { b, op, ct in
      guard let ct = try b.rebroadcast(ct[0], over: op) else { return [nil] }
      return [try b(.multiply, ct, try b.productOfOthers(op))]
    }, spellings: reductionSpellings("prod"))

  /// The largest element over `axes`; NaN if there is one. Elements that tie share the gradient.
  package static let amax: OpDefinition = reduction(
    "max", "Maximum over the axes.", accepts: [.bool, .integer, .floating],
    differentiability: .vjp { b, op, ct in try b.sharedGradient(ct[0], op) },
    spellings: [.aten("amax.default(self:x, dim:axes, keepdim:keepdims)")] + reductionSpellings("max"))

  /// The smallest element over `axes`; NaN if there is one. Elements that tie share the gradient.
  package static let amin: OpDefinition = reduction(
    "min", "Minimum over the axes.", accepts: [.bool, .integer, .floating],
    differentiability: .vjp { b, op, ct in try b.sharedGradient(ct[0], op) },
    spellings: [.aten("amin.default(self:x, dim:axes, keepdim:keepdims)")] + reductionSpellings("min"))

  /// Whether any element over `axes` is not zero.
  package static let anyTrue: OpDefinition = reduction(
    "any", "Whether any element over the axes is true.", accepts: .any, result: { _ in .bool },
    differentiability: .none("yields booleans"), spellings: reductionSpellings("any"))

  /// Whether no element over `axes` is zero.
  package static let allTrue: OpDefinition = reduction(
    "all", "Whether all elements over the axes are true.", accepts: .any, result: { _ in .bool },
    differentiability: .none("yields booleans"), spellings: reductionSpellings("all"))

  /// The position of the first largest element along `axis`, or in row-major order without an axis.
  package static let argmax: OpDefinition = position("argmax", "Position of the first maximum.")

  /// The position of the first smallest element along `axis`, or in row-major order without an axis.
  package static let argmin: OpDefinition = position("argmin", "Position of the first minimum.")

  /// The number of elements over `axes` that are not zero.
  package static let countNonzero: OpDefinition = reduction(
    "count_nonzero", "Number of elements over the axes that are not zero.", accepts: .any, result: { _ in .int64 },
    differentiability: .none("yields integers"),
    decomposition: { b, op in
      [try b(.sum, try b(.notEqual, op[0], .int(0)), attributes: op.attributes)]
    }, spellings: [])

  private static func position(_ name: String, _ summary: String) -> OpDefinition {
    OpDefinition(
      name, family: .reduction, summary: summary, operands: [.tensor("x")],
      attributes: [
        AttributeSpec("axis", .axis, default: Attribute.none), AttributeSpec("keepdims", .bool, default: .bool(false)),
      ],
      infer: { call in
        let type = try call.type(0)
        let axes = try call.optional("axis") == nil ? Array(0..<type.rank) : [try call.axis("axis", rank: type.rank)]
        let shape = ShapeRule.reduced(type.shape, axes: axes, keepdims: try call.bool("keepdims"))
        return [TensorType(.int64, shape)]
      }, differentiability: .none("yields integers"),
      spellings: [
        .torch("torch.\(name)(input:x, dim:axis=None, keepdim:keepdims=False)"),
        .numpy("numpy.\(name)(a:x, axis=None, keepdims=False)"),
      ], samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1)]), Sample(.normal(3, 4))])
  }

  private static func reductionSpellings(_ name: String) -> [Spelling] {
    [
      .torch("torch.\(name)(input:x, dim:axes, keepdim:keepdims=False)"),
      .numpy("x.\(name)(axis:axes=None, keepdims=False)"),
      .tensorFlow("tensorflow.reduce_\(name)(input_tensor:x, axis:axes=None, keepdims=False)"),
    ]
  }
}

extension OpCall {
  /// How many elements each result of a reduction is made of.
  func reducedCount() throws -> Dim {
    let type = try type(0)
    return try axes("axes", rank: type.rank).reduce(Dim(1)) { $0 * type.shape[$1] }
  }
}

extension GraphBuilder {
  /// A reduction's cotangent spread over the reduced axes again.
  func rebroadcast(_ cotangent: Operand?, over op: OpCall) throws -> Operand? {
    guard let cotangent else { return nil }
    let type = try op.type(0)
    let axes = try op.axes("axes", rank: type.rank)
    let kept = ShapeRule.reduced(type.shape, axes: axes, keepdims: true)
    let reshaped = try self(.reshape, cotangent, attributes: ["shape": .dims(kept)])
    return try self(.broadcastTo, reshaped, attributes: ["shape": .dims(type.shape)])
  }

  /// The gradient of a maximum or minimum: equal shares for the elements that are it.
  fileprivate func sharedGradient(_ cotangent: Operand?, _ op: OpCall) throws -> [Operand?] {
    guard let spread = try rebroadcast(cotangent, over: op), let result = try rebroadcast(op.result, over: op) else {
      return [nil]
    }
    let isExtreme = try self(.equal, op[0], result)
    let marked = try self(.cast, isExtreme, attributes: ["dtype": .dtype(try op.type(0).dtype)])
    let count = try self(.sum, marked, attributes: ["axes": try op.attribute("axes"), "keepdims": .bool(true)])
    return [try self(.multiply, spread, try self(.divide, marked, count))]
  }

  /// For each element of a product the product of all the others, which no division can give when one is zero.
  fileprivate func productOfOthers(_ op: OpCall) throws -> Operand {
    let type = try op.type(0)
    let axes = try op.axes("axes", rank: type.rank)
    let rest = (0..<type.rank).filter { !axes.contains($0) }
    let order = rest + axes
    let moved = try self(.transpose, op[0], attributes: ["permutation": .ints(order)])
    let flatShape = rest.map { type.shape[$0] } + [try op.reducedCount()]
    let flat = try self(.reshape, moved, attributes: ["shape": .dims(flatShape)])
    let axis = rest.count
    func before(_ x: Operand) throws -> Operand {
      var (low, high) = (Array(repeating: Dim(0), count: axis + 1), Array(repeating: Dim(0), count: axis + 1))
      (low[axis], high[axis]) = (1, -1)
      let shifted = try self(
        .pad, x, attributes: ["low": .dims(low), "high": .dims(high), "value": .scalar(.int(1))])
      return try self(.cumprod, shifted, attributes: ["axis": .int(axis)])
    }
    let reversed = ["axes": Attribute.ints([axis])] as OrderedAttributes
    let after = try self(.flip, try before(try self(.flip, flat, attributes: reversed)), attributes: reversed)
    let others = try self(.multiply, try before(flat), after)
    let unflattened = try self(.reshape, others, attributes: ["shape": .dims(order.map { type.shape[$0] })])
    return try self(.transpose, unflattened, attributes: ["permutation": .ints(order.inversePermutation)])
  }

  /// The extent that a scalar stands for, if it is one.
  package func extent(_ value: Value) -> Dim? {
    guard function.type(of: value).isScalar,
      let maker = operations.last(where: { $0.results.contains(value) }), maker.name == OpDefinition.dimension.name
    else { return nil }
    return maker.attributes["value"]?.asDim
  }

  /// An extent as a number: in place when it is known, otherwise a scalar tensor.
  package func size(_ extent: Dim, dtype: DType) throws -> Operand {
    if let known = extent.knownValue { return dtype.isInteger ? .int(known) : .float(Double(known)) }
    return try self(.dimension, attributes: ["value": .dim(extent), "dtype": .dtype(dtype)])
  }
}
