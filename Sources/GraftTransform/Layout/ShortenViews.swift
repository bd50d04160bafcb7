import GraftIR
import GraftOps

extension RewriteRule {
  /// Reshapes, transposes and indexing in a row are as few operations as make the same view.
  ///
  /// Operations in the middle that something else reads stay, so they count as free.
  static let shortestView = view("shortest view") { steps, chain in steps.count < chain.ownCount }

  /// The same, and where several are as few, the one that reshapes first.
  static let normalView = view("normal view") { steps, chain in
    steps.count <= chain.written.count && steps != chain.written
  }

  private static func view(
    _ name: String, replaces: @escaping @Sendable (_ found: [ViewStep], _ chain: ViewChain) -> Bool
  ) -> RewriteRule {
    RewriteRule(name, "reshape", "transpose", "select") { b, site in
      guard let chain = try ViewChain.ending(at: site), chain.written.count > 1 else { return nil }
      let steps = chain.view.steps()
      guard replaces(steps, chain) else { return nil }
      return [try steps.reduce(chain.source) { try $1.append(to: b, $0) }]
    }
  }
}

/// The operations in a row that make one view, from the tensor that is viewed on.
private struct ViewChain {
  var source: Operand
  var view: AxisView
  var written: [ViewStep]
  /// How many of the operations at the end are read by nothing but the next one.
  var ownCount: Int

  /// The longest chain that ends at the site's operation and whose atoms are known.
  static func ending(at site: RewriteSite) throws -> ViewChain? {
    var calls: [OpCall] = [site.op]
    while let inner = ViewStep.ops.lazy.compactMap({ site.producer(of: calls[0][0], $0) }).first {
      calls.insert(inner, at: 0)
    }
    for start in calls.indices {
      guard let shape = site.type(calls[start][0])?.shape else { continue }
      var view: AxisView? = AxisView(of: shape)
      for call in calls[start...] { view = try view?.applying(call) }
      guard let view else { continue }
      let own = calls[start...].dropLast().reversed().prefix { call in
        call.results.allSatisfy { site.uses[$0, default: 0] <= 1 }
      }
      return ViewChain(
        source: calls[start][0], view: view, written: try calls[start...].compactMap(ViewStep.init),
        ownCount: own.count + 1)
    }
    return nil
  }
}
