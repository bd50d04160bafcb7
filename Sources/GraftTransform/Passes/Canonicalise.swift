package import GraftIR
import GraftOps

/// Brings what can be written in several ways into the form that other rules look for, keeping the source's order.
package struct Canonicalise: Pass {
  package let name = "canonicalise"
  package init() {}

  static let rules: [RewriteRule] =
    RewriteRule.shapeChains + RewriteRule.lastAxis + RewriteRule.reversals + [
      .reductionThenDrop, .complementaryConditions, .castOfCast, .subtractNegative, .addNegative,
    ]

  /// Flattened linear layers come first: the reshape before one may be a caller's, and would become part of the layer.
  package func run(_ function: Function) throws -> Function {
    try Rewriter(name, Self.rules).run(Rewriter(name, RewriteRule.lastAxis).run(function))
  }
}

extension RewriteRule {
  /// A cast after one that lost nothing is a cast of the original.
  static let castOfCast = RewriteRule("cast of cast", "cast") { b, site in
    guard let inner = site.producer(of: site.op[0], "cast"), let from = site.type(inner[0])?.dtype,
      from.converts(exactlyTo: try inner.dtype("dtype"))
    else { return nil }
    return [try b(.cast, inner[0], attributes: site.op.attributes)]
  }

  /// `x - (-y)` is `x + y`.
  static let subtractNegative = RewriteRule("subtract negative", "subtract") { b, site in
    guard let negative = site.producer(of: site.op[1], "negative") else { return nil }
    return [try b(.add, site.op[0], negative[0])]
  }

  /// `x + (-y)` is `x - y`.
  static let addNegative = RewriteRule("add negative", "add") { b, site in
    guard let negative = site.producer(of: site.op[1], "negative") else { return nil }
    return [try b(.subtract, site.op[0], negative[0])]
  }
}

extension DType {
  /// Whether every value of this type has an equal one in the other, of the same or a higher category.
  func converts(exactlyTo other: DType) -> Bool {
    if self == other || self == .bool { return other != .key }
    switch (category, other.category) {
    case (.integer, .integer):
      return byteWidth < other.byteWidth && (!isSigned || other.isSigned)
    case (.floating, .floating), (.complex, .complex):
      return byteWidth < other.byteWidth
    default: return false
    }
  }
}
