package import GraftIR
import GraftOps

/// Computes what is known beforehand, as far as the program stays readable: numbers, filled tensors, extents and small
/// literals. An arange or a filled tensor never becomes a literal.
package struct FoldConstants: Pass {
  package let name = "fold constants"
  package init() {}

  static let rules: [RewriteRule] =
    RewriteRule.shapeChains + RewriteRule.identities + RewriteRule.constantCasts + RewriteRule.constantArithmetic

  package func run(_ function: Function) throws -> Function { try Rewriter(name, Self.rules).run(function) }
}

extension RewriteRule {
  /// Operations that yield their operand.
  static let identities: [RewriteRule] = [
    neutral("x + 0", "add", 0, commutes: true), neutral("x - 0", "subtract", 0),
    neutral("x * 1", "multiply", 1, commutes: true), neutral("x / 1", "divide", 1), neutral("x ** 1", "power", 1),
    RewriteRule("cast to the same type", "cast") { _, site in site.forward(site.op[0]) },
    RewriteRule("double negation", "negative") { _, site in
      site.producer(of: site.op[0], "negative").map { [$0[0]] }
    },
  ]

  /// An op whose second operand, or either if it commutes, changes nothing when it is this number.
  private static func neutral(_ name: String, _ op: String, _ number: Double, commutes: Bool = false) -> RewriteRule {
    RewriteRule(name, op) { _, site in
      if site.op[1].asScalar?.asDouble == number { return site.forward(site.op[0]) }
      return commutes && site.op[0].asScalar?.asDouble == number ? site.forward(site.op[1]) : nil
    }
  }

  /// Casts of constants.
  static let constantCasts: [RewriteRule] = [
    RewriteRule("cast of full", "cast") { b, site in
      guard let full = site.producer(of: site.op[0], "full"),
        let value = try full.scalar("value").converted(from: try full.dtype("dtype"), to: try site.op.dtype("dtype"))
      else { return nil }
      return [
        try b(
          .full,
          attributes: [
            "shape": try full.attribute("shape"), "value": .scalar(value), "dtype": try site.op.attribute("dtype"),
          ])
      ]
    },
    RewriteRule("cast of extent", "cast") { b, site in
      guard let extent = site.producer(of: site.op[0], "dimension"), try site.op.dtype("dtype").category != .bool,
        try extent.dtype("dtype").isInteger
      else { return nil }
      return [
        try b(
          .dimension,
          attributes: ["value": try extent.attribute("value"), "dtype": try site.op.attribute("dtype")])
      ]
    },
    RewriteRule("cast of literal", "cast") { b, site in
      let dtype = try site.op.dtype("dtype")
      guard let constant = site.producer(of: site.op[0], "constant"),
        case .literal(let literal) = try constant.attribute("value")
      else { return nil }
      let elements = literal.elements.compactMap { $0.converted(from: literal.dtype, to: dtype) }
      guard let converted = TensorLiteral(dtype: dtype, shape: literal.shape, elements: elements) else { return nil }
      return [try b(.constant, attributes: ["value": .literal(converted)])]
    },
    RewriteRule("cast of arange", "cast") { b, site in
      let dtype = try site.op.dtype("dtype")
      guard let arange = site.producer(of: site.op[0], "arange"), try arange.dtype("dtype").isInteger,
        [.int32, .int64, .float32, .float64].contains(dtype),
        case .int = try arange.scalar("start"), case .int = try arange.scalar("step")
      else { return nil }
      var attributes = arange.attributes
      attributes["dtype"] = .dtype(dtype)
      return [try b(.arange, attributes: attributes)]
    },
  ]
}
