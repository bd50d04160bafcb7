import GraftIR
import GraftOps

extension RewriteRule {
  /// Softmax that was written out.
  ///
  /// Only forms that are guarded against overflow: `exp(x) / sum(exp(x))` is not a number for large x, and
  /// `log(softmax(x))` is minus infinity where the probability is too small to be told from zero. Both stay.
  static let softmaxByHand: [RewriteRule] = [
    RewriteRule("softmax by hand", "divide") { b, site in
      let powers = Pattern.call("exp", "x" - .highest)
      return try raised(.softmax, powers / .call("sum", powers, as: "sum"), b, site)
    },
    RewriteRule("log softmax by hand", "subtract") { b, site in
      let shifted = "x" - .highest
      let sum = Pattern.call("sum", .call("exp", shifted), as: "sum")
      let forms: [Pattern] = ["x" - .call("logsumexp", "x", as: "sum"), shifted - .call("log", sum)]
      return try raised(.logSoftmax, .either(forms), b, site)
    },
  ]

  private static func raised(
    _ op: OpDefinition, _ pattern: Pattern, _ b: GraphBuilder, _ site: RewriteSite
  ) throws -> [Operand]? {
    guard let rank = site.resultType?.rank else { return nil }
    var axis: Int?
    let match = try site.match(pattern) { match in
      let reductions = ["sum", "highest"].compactMap { match.call($0) }
      let axes = try reductions.map { try $0.bool("keepdims") ? try $0.axes("axes", rank: rank) : [] }
      guard let first = axes.first, first.count == 1, axes.allSatisfy({ $0 == first }) else { return false }
      axis = first[0]
      return site.type(match["x"]) == site.resultType
    }
    guard let match, let axis else { return nil }
    return [try b(op, match["x"], attributes: ["axis": .int(axis)])]
  }
}

extension Pattern {
  /// The largest element of x, as a constant to differentiation or not: the results do not depend on it.
  fileprivate static let highest: Pattern = .either([
    .call("max", "x", as: "highest"), .call("stop_gradient", .call("max", "x", as: "highest")),
    .call("max", .call("stop_gradient", "x"), as: "highest"),
  ])
}
