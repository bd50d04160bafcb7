import GraftIR
import GraftOps

extension RewriteRule {
  /// Normalisations of the trailing axes that were written out, and the scales and shifts that follow them.
  ///
  /// A variance as the mean of squares less the square of the mean stays: it loses digits that layer norm keeps. So does
  /// one with Bessel's correction, and an eps that is added to the root.
  static let normalizationsByHand: [RewriteRule] = [
    layerNormByHand, rmsNormByHand, rmsNormScale, layerNormScale, layerNormShift,
  ]

  /// `x * rsqrt(mean(x ** 2) + eps)`, where x is not itself less its mean: ``layerNormByHand`` comes first.
  static let rmsNormByHand = RewriteRule("rms norm by hand", "multiply", "divide") { b, site in
    let meanSquare = Pattern.call("mean", .square("x"), as: "mean")
    guard let match = try site.match(.standardized("x", by: meanSquare), where: { try site.normalizes($0) }),
      let eps = match.number("eps"), let rank = try match.call("mean")?.ints("axes").count
    else { return nil }
    return [try b(.rmsNorm, match["x"], .absent, attributes: ["rank": .int(rank), "eps": .float(eps)])]
  }

  /// `(x - mean(x)) / sqrt(var(x) + eps)` by the biased variance.
  static let layerNormByHand = RewriteRule("layer norm by hand", "multiply", "divide") { b, site in
    let centred = "x" - .call("mean", "x", as: "centre")
    let variance = Pattern.either([.call("var", "x", as: "mean"), .call("mean", .square(centred), as: "mean")])
    guard let match = try site.match(.standardized(centred, by: variance), where: { try site.normalizes($0) }),
      let eps = match.number("eps"), let rank = try match.call("mean")?.ints("axes").count
    else { return nil }
    return [
      try b(.layerNorm, match["x"], .absent, .absent, attributes: ["rank": .int(rank), "eps": .float(eps)])
    ]
  }

  /// `rms_norm(x) * weight`
  static let rmsNormScale = RewriteRule("scale of rms norm", "multiply") { b, site in
    guard let match = site.match(.call("rms_norm", "x", as: "norm") * "weight"),
      let norm = match.call("norm"), try site.isParameter(match["weight"], of: norm)
    else { return nil }
    return [try b(.rmsNorm, match["x"], match["weight"], attributes: norm.attributes)]
  }

  /// `layer_norm(x) * weight`
  static let layerNormScale = RewriteRule("scale of layer norm", "multiply") { b, site in
    guard let match = site.match(.call("layer_norm", "x", as: "norm") * "weight"),
      let norm = match.call("norm"), try site.isParameter(match["weight"], of: norm)
    else { return nil }
    return [try b(.layerNorm, match["x"], match["weight"], .absent, attributes: norm.attributes)]
  }

  /// `layer_norm(x, weight) + bias`
  static let layerNormShift = RewriteRule("shift of layer norm", "add") { b, site in
    guard let match = site.match(.call("layer_norm", "x", "weight", as: "norm") + "bias"),
      let norm = match.call("norm"),
      !match["weight"].isAbsent, try site.isParameter(match["bias"], of: norm)
    else { return nil }
    return [try b(.layerNorm, match["x"], match["weight"], match["bias"], attributes: norm.attributes)]
  }
}

extension Pattern {
  fileprivate static func square(_ x: Pattern) -> Pattern {
    .either([.call("power", x, 2.0), x * x, .call("square", x)])
  }

  /// x divided by the root of a variance and `eps`.
  fileprivate static func standardized(_ x: Pattern, by variance: Pattern) -> Pattern {
    let shifted = variance + .anyNumber("eps")
    let root = Pattern.either([.call("sqrt", shifted), .call("power", shifted, 0.5)])
    let inverse: [Pattern] = [
      .call("rsqrt", shifted), .call("power", shifted, .number(-0.5)), 1.0 / root, .call("reciprocal", root),
    ]
    return .either([x / root, x * .either(inverse)])
  }
}

extension RewriteSite {
  /// Whether the means of a match are over the same trailing axes of x, which are kept, with no correction.
  fileprivate func normalizes(_ match: PatternMatch) throws -> Bool {
    guard let type = type(match["x"]), type == resultType, type.dtype.isFloating else { return false }
    let means = ["mean", "centre"].compactMap { match.call($0) }
    let axes = try means.map { try $0.axes("axes", rank: type.rank).sorted() }
    guard let first = axes.first, !first.isEmpty, first == Array(type.rank - first.count..<type.rank) else {
      return false
    }
    let hasNoCorrection = try means.allSatisfy { try $0.definition.name != "var" || $0.double("correction") == 0 }
    return try hasNoCorrection && axes.allSatisfy { $0 == first } && means.allSatisfy { try $0.bool("keepdims") }
  }

  /// Whether the operand can be the scale or shift of a normalisation that has none yet.
  fileprivate func isParameter(_ operand: Operand, of norm: OpCall) throws -> Bool {
    let x = try norm.type(0)
    return type(operand) == x.with(shape: x.shape.suffix(try norm.int("rank"))) && resultType == x
  }
}
