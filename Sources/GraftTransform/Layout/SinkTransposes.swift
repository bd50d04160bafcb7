import GraftIR
import GraftOps

extension RewriteRule {
  /// Operations on a transposed tensor become the transpose of operations on the tensor: elementwise ones, products and
  /// normalisations over the last axes where those stay the last.
  ///
  /// - Parameter className: only transposes in modules of this class (empty: outside of modules) move, and only within the module.
  static func sinkingTransposes(of className: String) -> RewriteRule {
    RewriteRule("sink transposes of \(className)") { b, site in
      guard let shape = site.resultType?.shape, site.op.results.count == 1, site.op.regions.isEmpty,
        let sinking = try SinkingTranspose(site, className: className, rank: shape.count),
        let operands = try sinking.operands(of: site, b)
      else { return nil }
      let outer = b.origin
      defer { b.origin = outer }
      let moved = try b.apply(site.op.definition, operands, attributes: site.op.attributes)
      if let value = moved[0].asValue { b.function.setHint(b.function.info(site.op.results[0]).hint, of: value) }
      b.origin = sinking.origin
      return [try b(.transpose, moved[0], attributes: ["permutation": .ints(sinking.permutation)])]
    }
  }
}

/// A transpose that may as well be taken of an operation's result.
private struct SinkingTranspose {
  let permutation: [Int]
  /// Where the transpose came from.
  let origin: Origin

  init?(_ site: RewriteSite, className: String, rank: Int) throws {
    guard let first = site.op.operands.first(where: { site.producer(of: $0, "transpose") != nil }),
      let transpose = site.producer(of: first, "transpose"), let origin = site.origin(of: first),
      (origin.modules.last?.className ?? "") == className, site.origin.modules.starts(with: origin.modules)
    else { return nil }
    permutation = try transpose.axes("permutation", rank: transpose.type(0).rank)
    self.origin = origin
    if permutation.count != rank { return nil }
  }

  /// The operation's operands without the transpose; nil where it does not commute with the operation.
  func operands(of site: RewriteSite, _ b: GraphBuilder) throws -> [Operand]? {
    let op = site.op
    switch op.definition.name {
    case "linear", "matmul":
      guard keeps(last: 1), site.type(op[1])?.rank == 2 else { return nil }
    case "layer_norm", "rms_norm":
      guard keeps(last: try op.int("rank")) else { return nil }
    default:
      guard op.definition.isElementwise || (op.definition.name == "rotary_embedding" && keeps(last: 1)) else {
        return nil
      }
      let operands = try op.operands.map { try untransposed($0, site) ?? aligned($0, site, b) }
      return operands.allSatisfy { $0 != nil } ? operands.compactMap(\.self) : nil
    }
    return try untransposed(op[0], site).map { [$0] + op.operands.dropFirst() }
  }

  /// Whether the permutation leaves the last axes where they are.
  private func keeps(last count: Int) -> Bool {
    permutation.suffix(count).elementsEqual((permutation.count - count)..<permutation.count)
  }

  private func untransposed(_ operand: Operand, _ site: RewriteSite) throws -> Operand? {
    guard let transpose = site.producer(of: operand, "transpose"), try transpose.ints("permutation") == permutation
    else { return nil }
    return transpose[0]
  }

  /// An operand that broadcasts, as the operation without the transpose reads it: at most its axes of extent 1 move.
  private func aligned(_ operand: Operand, _ site: RewriteSite, _ b: GraphBuilder) throws -> Operand? {
    guard let shape = site.type(operand)?.shape, !keeps(last: shape.count) else { return operand }
    let wide = Array(repeating: Dim(1), count: max(permutation.count - shape.count, 0)) + shape
    let inverse = permutation.inversePermutation
    let moved = inverse.filter { wide[$0] != 1 }
    guard wide.count == permutation.count, moved == moved.sorted() else { return nil }
    let aligned = try b(.reshape, operand, attributes: ["shape": .dims(inverse.map { wide[$0] })])
    if let old = operand.asValue, let new = aligned.asValue {
      b.function.setHint(b.function.info(old).hint, of: new)
    }
    return aligned
  }
}

extension OpDefinition {
  /// Whether every element of the result depends on the operands' elements at the same place alone.
  fileprivate var isElementwise: Bool {
    [.elementwise, .comparison, .activation].contains(family) && !drawsRandomNumbers
      && attribute("axis") == nil && attribute("axes") == nil
      && operands.allSatisfy { [.tensor, .tensorOrScalar].contains($0.kind) }
  }
}
