package import GraftIR

extension OpDefinition {
  static let reductions: [OpDefinition] = [sum, mean]

  /// The sum over `axes`.
  package static let sum: OpDefinition = reduction(
    "sum", "Sum over the axes.",
    differentiability: .vjp { b, op, ct in [try b.rebroadcast(ct[0], over: op)] },
    spellings: [.jax("x.sum(axis:axes=None, keepdims=False)"), .numpy("x.sum(axis:axes=None, keepdims=False)")])

  /// The mean over `axes`.
  package static let mean: OpDefinition = reduction(
    "mean", "Mean over the axes.", accepts: .inexact,
    decomposition: { b, op in
      let type = try op.type(0)
      let count = try op.axes("axes", rank: type.rank).reduce(Dim(1)) { $0 * type.shape[$1] }
      let total = try b(.sum, op[0], attributes: op.attributes)
      return [try b(.divide, total, try b.size(count, dtype: type.dtype))]
    },
    spellings: [.jax("x.mean(axis:axes=None, keepdims=False)"), .numpy("x.mean(axis:axes=None, keepdims=False)")])
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

  /// An extent as a number: in place when it is known, otherwise a scalar tensor.
  package func size(_ extent: Dim, dtype: DType) throws -> Operand {
    if let known = extent.knownValue { return dtype.isInteger ? .int(known) : .float(Double(known)) }
    return try self(.dimension, attributes: ["value": .dim(extent), "dtype": .dtype(dtype)])
  }
}
