import GraftIR
import GraftOps

extension RewriteRule {
  /// Linear layers on the last axis that were written with all other axes flattened into one:
  /// `(x.view(-1, d) @ w + b).view(*leading, k)` is `x @ w + b`.
  package static let lastAxis: [RewriteRule] = [flattenedLinear]

  static let flattenedLinear = RewriteRule("flattened linear", "reshape") { b, site in
    guard let shape = site.resultType?.shape, shape.count > 2, site.type(site.op[0])?.shape.last == shape.last,
      let lifted = try LastAxisLifting(site: site, leading: Array(shape.dropLast())).lift(site.op[0], b)
    else { return nil }
    return [lifted]
  }
}

/// Redoes operations on rows [M, d] on the tensor [..., d] that the rows were flattened from.
private struct LastAxisLifting {
  let site: RewriteSite
  /// All axes but the last.
  let leading: [Dim]

  /// The operand's value with the leading axes restored; nil where it does not come from such a tensor by a matrix
  /// product.
  func lift(_ operand: Operand, _ b: GraphBuilder) throws -> Operand? {
    if let product = site.producer(of: operand, "matmul"), site.type(product[1])?.rank == 2,
      let x = try unflattened(product[0], b)
    {
      return try b(.matmul, x, product[1])
    }
    if let linear = site.producer(of: operand, "linear"), let x = try unflattened(linear[0], b) {
      return try b(.linear, x, linear[1], linear[2])
    }
    if let sum = site.producer(of: operand, "add"), (site.type(sum[1])?.rank ?? 0) <= 1,
      let x = try lift(sum[0], b)
    {
      return try b(.add, x, sum[1])
    }
    return nil
  }

  private func unflattened(_ operand: Operand, _ b: GraphBuilder) throws -> Operand? {
    guard let flattening = site.producer(of: operand, "reshape"), let rows = site.type(operand)?.shape,
      let shape = site.type(flattening[0])?.shape, rows.count == 2
    else { return nil }
    let wanted = leading + [rows[1]]
    return shape == wanted ? flattening[0] : try b(.reshape, flattening[0], attributes: ["shape": .dims(wanted)])
  }
}
