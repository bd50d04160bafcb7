import GraftIR
import GraftOps

extension RewriteRule {
  /// Sequences that are reversed for a scan, and what it collects of them.
  static let reversals: [RewriteRule] = [reversedScan, flipOfFlip]

  /// A scan of sequences in reverse runs from the last position to the first; what it collects is reversed for those who
  /// read it, which is often undone right there.
  static let reversedScan = RewriteRule("scan in reverse", "scan") { b, site in
    let sequences = site.op[1].values.compactMap { site.producer(of: .value($0), "flip") }
    guard !sequences.isEmpty, sequences.count == site.op[1].values.count,
      try sequences.allSatisfy({ try $0.ints("axes") == [0] })
    else { return nil }
    var attributes = site.op.attributes
    attributes["reverse"] = .bool(!(try site.op.bool("reverse")))
    let results = try b.apply(
      .scan, [site.op[0], .list(sequences.compactMap { $0[0].asValue })], attributes: attributes,
      regions: site.op.regions)
    let state = site.op[0].values.count
    return try results.prefix(state)
      + results.dropFirst(state).map { try b(.flip, $0, attributes: ["axes": .ints([0])]) }
  }

  /// `flip(flip(x, a), a)` is x.
  static let flipOfFlip = RewriteRule("flip of flip", "flip") { _, site in
    guard let inner = site.producer(of: site.op[0], "flip"), try inner.ints("axes") == site.op.ints("axes") else {
      return nil
    }
    return site.forward(inner[0])
  }
}
