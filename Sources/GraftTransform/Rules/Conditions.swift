import GraftIR
import GraftOps

extension RewriteRule {
  /// `where(x == y, a, where(x != y, b, c))` is `where(x == y, a, b)`: one of the two holds, for what is not a number
  /// the second.
  static let complementaryConditions = RewriteRule("complementary conditions", "where") { b, site in
    guard let equal = site.producer(of: site.op[0], "equal"), let inner = site.producer(of: site.op[2], "where"),
      let unequal = site.producer(of: inner[0], "not_equal"), equal.operands == unequal.operands
    else { return nil }
    let operands = [site.op[0], site.op[1], inner[1]]
    let types = try site.op.definition.resultTypes(operands: operands, attributes: [:], in: b.function)
    return types.first == site.resultType ? try b.apply(site.op.definition, operands) : nil
  }
}
