import GraftIR
import GraftOps

extension RewriteRule {
  /// Reshapes, transposes and indexing in a row are as few operations as make the same view.
  static let shortestView = view("shortest view") { $0.count < $1.count }

  /// The same, and where several are as few, the one that reshapes first.
  static let normalView = view("normal view") { $0.count <= $1.count && $0 != $1 }

  private static func view(
    _ name: String, replaces: @escaping @Sendable (_ found: [ViewStep], _ written: [ViewStep]) -> Bool
  ) -> RewriteRule {
    RewriteRule(name, "reshape", "transpose", "select") { b, site in
      guard let chain = try ViewChain.ending(at: site), chain.written.count > 1 else { return nil }
      let steps = chain.view.steps()
      guard replaces(steps, chain.written) else { return nil }
      return [try steps.reduce(chain.source) { try $1.append(to: b, $0) }]
    }
  }
}

/// The operations in a row that make one view, from the tensor that is viewed on.
private struct ViewChain {
  var source: Operand
  var view: AxisView
  var written: [ViewStep]

  /// The longest chain that ends at the site's operation and whose atoms are known.
  static func ending(at site: RewriteSite) throws -> ViewChain? {
    var calls: [OpCall] = [site.op]
    while let inner = ["reshape", "transpose", "select"].lazy.compactMap({ site.producer(of: calls[0][0], $0) }).first {
      calls.insert(inner, at: 0)
    }
    for start in calls.indices {
      guard let shape = site.type(calls[start][0])?.shape else { continue }
      var view: AxisView? = AxisView(of: shape)
      for call in calls[start...] { view = try view?.applying(call) }
      guard let view else { continue }
      return ViewChain(source: calls[start][0], view: view, written: try calls[start...].compactMap(ViewStep.init))
    }
    return nil
  }
}
