package import GraftIR
package import GraftOps

/// Replaces composite ops by their decompositions, again and again until only ops that are kept or have none are left.
package struct DecomposeComposites: Pass {
  package let name = "decompose composites"
  private let keeps: @Sendable (OpCall) -> Bool

  /// - Parameter keeps: whether an op stays whole although it has a decomposition.
  package init(unless keeps: @escaping @Sendable (OpDefinition) -> Bool = { _ in false }) {
    self.keeps = { keeps($0.definition) }
  }

  /// - Parameter keeps: whether an op stays whole with these operands and attributes.
  package init(unlessCall keeps: @escaping @Sendable (OpCall) -> Bool) { self.keeps = keeps }

  package func run(_ function: Function) throws -> Function {
    let rule = RewriteRule(name) { [keeps] builder, site in
      guard let decomposition = site.op.definition.decomposition, !keeps(site.op) else { return nil }
      return try decomposition(builder, site.op)
    }
    return try Rewriter(name, [rule]).run(function)
  }
}
