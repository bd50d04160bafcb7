import GraftIR
import GraftOps

extension RewriteRule {
  /// Reshapes, transposes and broadcasts that change nothing, or that follow their like.
  package static let shapeChains: [RewriteRule] = [
    sameShape, reshapeOfReshape, identityTranspose, transposeOfTranspose, broadcastOfBroadcast,
  ]

  /// `reshape(x, x.shape)` and `broadcast_to(x, x.shape)` are x.
  static let sameShape = RewriteRule("same shape", "reshape", "broadcast_to") { _, site in site.forward(site.op[0]) }

  /// `reshape(reshape(x, a), b)` is `reshape(x, b)`.
  static let reshapeOfReshape = RewriteRule("reshape of reshape", "reshape") { b, site in
    guard let inner = site.producer(of: site.op[0], "reshape") else { return nil }
    return [try b(.reshape, inner[0], attributes: site.op.attributes)]
  }

  /// `transpose(x, [0, 1, ...])` is x.
  static let identityTranspose = RewriteRule("identity transpose", "transpose") { _, site in
    let permutation = try site.op.ints("permutation")
    return permutation == Array(permutation.indices) ? site.forward(site.op[0]) : nil
  }

  /// Two transposes are one.
  static let transposeOfTranspose = RewriteRule("transpose of transpose", "transpose") { b, site in
    guard let inner = site.producer(of: site.op[0], "transpose") else { return nil }
    let first = try inner.ints("permutation")
    let second = try site.op.axes("permutation", rank: first.count)
    return [try b(.transpose, inner[0], attributes: ["permutation": .ints(second.map { first[$0] })])]
  }

  /// `broadcast_to(broadcast_to(x, a), b)` is `broadcast_to(x, b)`.
  static let broadcastOfBroadcast = RewriteRule("broadcast of broadcast", "broadcast_to") { b, site in
    guard let inner = site.producer(of: site.op[0], "broadcast_to") else { return nil }
    return [try b(.broadcastTo, inner[0], attributes: site.op.attributes)]
  }
}
