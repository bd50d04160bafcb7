import GraftIR
import GraftOps

extension RewriteRule {
  /// `concat([x[None], y[None]])` is `stack([x, y])`.
  static let stackByHand = RewriteRule("stack by hand", "concat") { b, site in
    guard let whole = site.resultType else { return nil }
    let axis = try site.op.axis("axis", rank: whole.rank)
    var part = whole.shape
    part.remove(at: axis)
    let parts = site.op[0].values.map { value -> Value? in
      guard let view = site.producer(of: .value(value), "reshape"), view.type(of: value).shape[axis] == 1,
        let inner = view[0].asValue, view.type(of: inner).shape == part
      else { return nil }
      return inner
    }
    let known = parts.compactMap { $0 }
    guard !known.isEmpty, known.count == parts.count else { return nil }
    return [try b(.stack, .list(known), attributes: ["axis": .int(axis)])]
  }
}
