import GraftIR
import GraftOps

extension RewriteRule {
  /// `where(x == y, a, where(x != y, b, c))` is `where(x == y, a, b)`: one of the two holds, for what is not a number
  /// the second.
  static let complementaryConditions = RewriteRule("complementary conditions", "where") { b, site in
    guard let equal = site.producer(of: site.op[0], "equal"), let inner = site.producer(of: site.op[2], "where"),
      let unequal = site.producer(of: inner[0], "not_equal"), equal.operands == unequal.operands
    else { return nil }
    guard let type = site.resultType, type.shape == site.type(site.op[0])?.shape else { return nil }
    var operands = [site.op[0], site.op[1], inner[1]]
    if let value = operands[1].asScalar, operands[2].asScalar != nil {
      operands[1] = try b(
        .full, attributes: ["shape": .dims([]), "value": .scalar(value), "dtype": .dtype(type.dtype)])
    }
    let types = try site.op.definition.resultTypes(operands: operands, attributes: [:], in: b.function)
    return types.first == type ? try b.apply(site.op.definition, operands) : nil
  }
}
