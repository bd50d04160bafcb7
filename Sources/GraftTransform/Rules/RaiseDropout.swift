import GraftIR
import GraftOps

extension RewriteRule {
  /// `x * bernoulli(1 - rate) / (1 - rate)` in training and x otherwise is dropout, of single elements or, where one
  /// draw serves several axes, of whole samples or channels.
  static let dropoutByHand = RewriteRule("dropout by hand", "mode") { b, site in
    guard site.op.results.count == 1, site.op.regions.count == 2, let training = site.op.regions[0].results.first,
      let x = site.op.regions[1].results.first, site.op.regions[1].operations.isEmpty,
      let type = site.type(x), type == site.resultType,
      let draw = try DropoutDraw(of: x, in: training, site),
      site.op.regions[0].operations.count == DropoutDraw.operationCount
    else { return nil }
    let shared = type.shape.indices.filter { draw.shape[$0] == 1 && type.shape[$0] != 1 }
    guard draw.shape.count == type.rank,
      type.shape.indices.allSatisfy({ shared.contains($0) || draw.shape[$0] == type.shape[$0] })
    else { return nil }
    return [
      try b(.dropout, x, draw.key, attributes: ["rate": .float(draw.rate), "shared_axes": .ints(Array(shared))])
    ]
  }
}

/// The draw by which a product with x drops elements.
private struct DropoutDraw {
  let key: Operand
  let shape: [Dim]
  let rate: Double
  /// How many operations the draw and the product are.
  static let operationCount = 4

  init?(of x: Operand, in result: Operand, _ site: RewriteSite) throws {
    guard let product = site.producer(of: result, "multiply"), product.operands.contains(x) else { return nil }
    let scale = product[0] == x ? product[1] : product[0]
    guard let quotient = site.producer(of: scale, "divide"), let kept = quotient[1].asScalar?.asDouble,
      let cast = site.producer(of: quotient[0], "cast"), let draw = site.producer(of: cast[0], "bernoulli"),
      draw[0].asScalar?.asDouble == kept, kept > 0, kept < 1
    else { return nil }
    (key, shape) = (draw[1], try draw.dims("shape"))
    rate = Self.rate(keeping: kept)
  }

  /// The shortest decimal that leaves this share.
  private static func rate(keeping kept: Double) -> Double {
    var power = 10.0
    for _ in 1..<15 {
      let rate = ((1 - kept) * power).rounded() / power
      if 1 - rate == kept { return rate }
      power *= 10
    }
    return 1 - kept
  }
}
