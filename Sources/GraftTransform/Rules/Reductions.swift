import GraftIR
import GraftOps

extension RewriteRule {
  /// `mean(x, axes, keepdims=True)` whose axes of extent 1 are then dropped is `mean(x, axes)`; other reductions alike.
  static let reductionThenDrop = RewriteRule("reduction then drop", "reshape") { b, site in
    for name in ["mean", "sum", "max", "min", "prod", "any", "all"] {
      guard let reduction = site.producer(of: site.op[0], name), try reduction.bool("keepdims"),
        let shape = site.type(site.op[0])?.shape, let definition = OpCatalogue.definition(name)
      else { continue }
      let axes = try reduction.axes("axes", rank: shape.count)
      let kept = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
      guard kept == site.resultType?.shape else { return nil }
      var attributes = reduction.attributes
      attributes["keepdims"] = .bool(false)
      return [try b(definition, reduction[0], attributes: attributes)]
    }
    return nil
  }
}
