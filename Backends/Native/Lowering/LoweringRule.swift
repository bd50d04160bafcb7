import GraftIR
import GraftOps

/// How an op is computed natively.
struct LoweringRule: Sendable {
  let op: String
  /// Whether the rule is for a call; others are decomposed.
  let accepts: @Sendable (OpCall) -> Bool
  /// The results' expressions, after laying down the steps that they need.
  let lower: @Sendable (Planner, OpCall) throws -> [Expression]

  init(
    _ op: OpDefinition, when accepts: @escaping @Sendable (OpCall) -> Bool = { _ in true },
    _ lower: @escaping @Sendable (Planner, OpCall) throws -> [Expression]
  ) {
    self.op = op.name
    self.accepts = accepts
    self.lower = lower
  }

  /// Every rule by the name of its op.
  static let named: [String: LoweringRule] = Dictionary(
    families.flatMap { $0 }.map { ($0.op, $0) }, uniquingKeysWith: { first, _ in first })

  /// Whether there is a rule for a call.
  static func accepts(_ call: OpCall) -> Bool { named[call.definition.name]?.accepts(call) ?? false }

  private static let families: [[LoweringRule]] = [
    creation, elementwise, composed, views, joining, products, reductions, normalizations, indexing, ordering,
    convolutions, pooling, maximumPooling, resampling, attention, recurrent, random, special,
    complexNumbers, fourier, decompositions, losses, control,
  ]
}

extension OpCall {
  /// The shape and type of a result, the first by default.
  ///
  /// - Throws: ``Diagnostic`` for a size that no tensor can have, or that this machine has no memory for.
  func resultType(_ planner: Planner, _ index: Int = 0) throws -> (shape: [Int], dtype: DType) {
    let type = planner.function.type(of: results[index])
    let shape = try type.knownShape()
    _ = try planner.byteCount(shape, type.dtype)
    return (shape, type.dtype)
  }
}
