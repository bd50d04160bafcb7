import GraftIR
import GraftOps

extension RewriteRule {
  /// Operations on a transposed tensor become the transpose of operations on the tensor: elementwise ones, and products
  /// over the last axis where that stays the last.
  ///
  /// - Parameter className: only transposes in modules of this class (empty: outside of modules) move, and only within the module.
  static func sinkingTransposes(of className: String) -> RewriteRule {
    RewriteRule("sink transposes of \(className)") { b, site in
      guard let shape = site.resultType?.shape, site.op.results.count == 1, site.op.regions.isEmpty,
        let sinking = try SinkingTranspose(site, className: className, rank: shape.count)
      else { return nil }
      let outer = b.origin
      defer { b.origin = outer }
      let moved = try b.apply(site.op.definition, sinking.operands, attributes: site.op.attributes)
      if let value = moved[0].asValue { b.function.setHint(b.function.info(site.op.results[0]).hint, of: value) }
      b.origin = sinking.origin
      return [try b(.transpose, moved[0], attributes: ["permutation": .ints(sinking.permutation)])]
    }
  }
}

/// A transpose that may as well be taken of an operation's result.
private struct SinkingTranspose {
  let permutation: [Int]
  /// The operation's operands without the transpose.
  let operands: [Operand]
  /// Where the transpose came from.
  let origin: Origin

  init?(_ site: RewriteSite, className: String, rank: Int) throws {
    guard let first = site.op.operands.first(where: { site.producer(of: $0, "transpose") != nil }),
      let transpose = site.producer(of: first, "transpose"), let origin = site.origin(of: first),
      (origin.modules.last?.className ?? "") == className, site.origin.modules.starts(with: origin.modules)
    else { return nil }
    let permutation = try transpose.axes("permutation", rank: transpose.type(0).rank)
    guard permutation.count == rank,
      let operands = try Self.operands(of: site, permutation: permutation, keepsLast: permutation.last == rank - 1)
    else { return nil }
    (self.permutation, self.operands, self.origin) = (permutation, operands, origin)
  }

  private static func operands(of site: RewriteSite, permutation: [Int], keepsLast: Bool) throws -> [Operand]? {
    let op = site.op
    func untransposed(_ operand: Operand) throws -> Operand? {
      guard let transpose = site.producer(of: operand, "transpose"),
        try transpose.ints("permutation") == permutation
      else { return nil }
      return transpose[0]
    }
    switch op.definition.name {
    case "linear", "matmul":
      guard keepsLast, site.type(op[1])?.rank == 2, let x = try untransposed(op[0]) else { return nil }
      return [x] + op.operands.dropFirst()
    default:
      guard op.definition.isElementwise else { return nil }
      let operands = try op.operands.map { operand -> Operand? in
        guard let type = site.type(operand) else { return operand }
        if type.rank == 0 || (type.rank == 1 && keepsLast) { return operand }
        return try untransposed(operand)
      }
      return operands.allSatisfy { $0 != nil } ? operands.compactMap(\.self) : nil
    }
  }
}

extension OpDefinition {
  /// Whether every element of the result depends on the operands' elements at the same place alone.
  fileprivate var isElementwise: Bool {
    [.elementwise, .comparison, .activation].contains(family) && !drawsRandomNumbers && !dependsOnMode
      && attribute("axis") == nil && attribute("axes") == nil
      && operands.allSatisfy { [.tensor, .tensorOrScalar].contains($0.kind) }
  }
}
