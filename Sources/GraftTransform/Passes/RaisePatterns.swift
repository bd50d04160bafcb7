package import GraftIR
import GraftOps

/// Puts the op that has a name in place of an expression that spells it out, where both are the same for all inputs,
/// gradients included; each rule says what it leaves alone.
package struct RaisePatterns: Pass {
  package let name = "raise patterns"
  package init() {}

  static let rules: [RewriteRule] =
    RewriteRule.activationsByHand + RewriteRule.softmaxByHand + RewriteRule.normalizationsByHand
    + [.rotaryEmbeddingByHand, .dropoutByHand, .stackByHand]

  package func run(_ function: Function) throws -> Function {
    let softened = try Rewriter(name, Self.rules).run(function)
    let masks = HidingConditions(softened)
    let attention = RewriteRule.attentionByHand { masks.seesSomewhere($0, where: $1) }
    return try Rewriter(name, [attention, .groupedQueryAttention]).run(softened)
  }
}

/// The conditions under which something is minus infinity or the lowest number, as far as they are known functions of their indices.
private struct HidingConditions {
  /// Those that are proved to hold, and not to hold, somewhere in each row.
  private var holding: Set<Value> = []
  private var failing: Set<Value> = []

  init(_ function: Function) {
    let conditions = Self.conditions(function.body)
    if conditions.isEmpty { return }
    let analysis = IndexFunctionAnalysis(function)
    holding = Set(conditions.filter { analysis.everyQuerySees($0, true) })
    failing = Set(conditions.filter { analysis.everyQuerySees($0, false) })
  }

  /// Whether each row has an element where the condition is as given.
  func seesSomewhere(_ condition: Operand, where value: Bool) -> Bool {
    condition.asValue.map { (value ? holding : failing).contains($0) } ?? false
  }

  private static func conditions(_ block: Block) -> [Value] {
    block.operations.flatMap { operation in
      let hides = operation.operands.contains { ($0.asScalar?.asDouble ?? 0) <= -Double(Float.greatestFiniteMagnitude) }
      let own = operation.name == "where" && hides ? operation.operands[0].values : []
      return own + operation.regions.flatMap(conditions)
    }
  }
}
