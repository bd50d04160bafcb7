import GraftIR
import GraftOps

extension RewriteRule {
  /// Activations that were written out.
  ///
  /// Left as they are, because they are not the same everywhere: `clip(x, 0)` and `maximum(x, 0)`, whose gradient at
  /// zero is one and a half, where that of relu is zero; `log(1 + exp(x))`, which overflows where softplus does not; and
  /// `x * sigmoid(1.702 * x)`, for which there is no op.
  static let activationsByHand: [RewriteRule] = [
    geluByHand,
    product("silu by hand", .call("sigmoid", "x"), .silu),
    product("mish by hand", .call("tanh", .call("softplus", "x", as: "softplus")), .mish),
    product("hard swish by hand", .call("hard_sigmoid", "x"), .hardSwish),
  ]

  /// x times a function of it.
  private static func product(_ name: String, _ gate: Pattern, _ op: OpDefinition) -> RewriteRule {
    RewriteRule(name, "multiply") { b, site in
      guard
        let match = try site.match("x" * gate, where: { try $0.call("softplus")?.double("beta") ?? 1 == 1 }),
        site.type(match["x"]) == site.resultType
      else { return nil }
      return [try b(op, match["x"])]
    }
  }

  /// `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))`, with the sums and products in any order, is gelu by
  /// tanh; `0.5 * x * (1 + erf(x / sqrt(2)))` is gelu.
  static let geluByHand = RewriteRule("gelu by hand", "multiply", "divide") { b, site in
    guard let type = site.resultType, type.dtype.isFloating else { return nil }
    for gate in site.arithmeticSources(site.op.operands, depth: 3) {
      guard let form = GeluForm.all.first(where: { site.producer(of: gate, $0.gate) != nil }),
        let argument = site.producer(of: gate, form.gate)?[0]
      else { continue }
      for x in site.arithmeticSources([argument], depth: 5) where site.type(x) == type {
        var inner = PolynomialReader(site, of: x)
        var outer = PolynomialReader(site, of: x, gate)
        guard inner.polynomial(argument)?.isClose(to: form.argument, in: type.dtype) == true,
          outer.polynomial(site.op)?.isClose(to: form.result, in: type.dtype) == true,
          site.isClosed(inner.interior + outer.interior + gate.values, reading: [x])
        else { continue }
        return [try b(.gelu, x, attributes: ["approximate": .bool(form.isApproximate)])]
      }
      return nil
    }
    return nil
  }
}

/// A way to write gelu: a function of a polynomial of x, and the result as a polynomial of x and that.
private struct GeluForm {
  var gate: String
  var argument: Polynomial
  var result: Polynomial
  var isApproximate = false

  private static let half = Polynomial([[1, 0]: 0.5, [1, 1]: 0.5])
  private static let slope = 0.7978845608028654
  private static let rootOfHalf = 0.7071067811865476

  static let all = [
    GeluForm(
      gate: "tanh", argument: Polynomial([[1]: slope, [3]: slope * 0.044715]), result: half, isApproximate: true),
    GeluForm(gate: "erf", argument: Polynomial([[1]: rootOfHalf]), result: half),
    GeluForm(gate: "erfc", argument: Polynomial([[1]: -rootOfHalf]), result: Polynomial([[1, 1]: 0.5])),
  ]
}
