import GraftIR
import GraftOps

extension RewriteRule {
  /// `x * cos + concat([-x2, x1], axis=-1) * sin`, where x1 and x2 are the halves of x, is a rotary embedding.
  static let rotaryEmbeddingByHand = RewriteRule("rotary embedding by hand", "add") { b, site in
    let turned = Pattern.call("concat", .list([.call("negative", "upper"), "lower"]), as: "turned")
    let pattern = "x" * "cos" + turned * "sin"
    let match = try site.match(pattern) { match in
      guard let type = site.type(match["x"]), type == site.resultType, type.rank > 0,
        try match.call("turned")?.int("axis") == type.rank - 1,
        ["cos", "sin"].allSatisfy({ site.type(match[$0])?.dtype == type.dtype })
      else { return false }
      let (lower, upper) = (try site.half(match["lower"]), try site.half(match["upper"]))
      return lower?.x == match["x"] && upper?.x == match["x"] && lower?.isUpper == false && upper?.isUpper == true
    }
    return try match.map { [try b(.rotaryEmbedding, $0["x"], $0["cos"], $0["sin"])] }
  }
}

extension RewriteSite {
  /// What the operand is the first or second half of along the last axis.
  fileprivate func half(_ operand: Operand) throws -> (x: Operand, isUpper: Bool)? {
    guard let value = operand.asValue, let producer = producers[value],
      let definition = OpCatalogue.definition(producer.name)
    else { return nil }
    let call = OpCall(producer, of: definition, in: function)
    guard ["slice", "split"].contains(producer.name), let type = type(call[0]), let extent = type.shape.last,
      let half = extent.exactQuotient(by: 2)
    else { return nil }
    let last = type.rank - 1
    if producer.name == "split" {
      guard try call.axis("axis", rank: type.rank) == last, try call.dims("sizes") == [half, half] else { return nil }
      return (call[0], producer.results.last == value)
    }
    for isUpper in [false, true] {
      var ranges = AxisRanges(all: type.shape)
      (ranges.starts[last], ranges.stops[last]) = isUpper ? (half, extent) : (0, half)
      if try AxisRanges(call, rank: type.rank) == ranges { return (call[0], isUpper) }
    }
    return nil
  }
}
