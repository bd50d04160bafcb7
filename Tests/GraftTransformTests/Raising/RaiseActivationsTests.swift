import GraftIR
import Testing

@testable import GraftTransform

@Suite struct RaiseActivationsTests {
  /// The operation at the end of a program, after raising.
  private func raised(_ text: String) throws -> String {
    let function = try program(text, inputs: 2)
    let result = try PassPipeline("test", [RaisePatterns(), EliminateDeadCode()], verifies: true).run(function)
    return body(result).split(separator: "\n").dropLast().map(String.init).joined(separator: "\n")
  }

  private static let tanhGate = """
    %c = power(%x, 3) : f32[N,4] %d = multiply(%c, 0.044715) : f32[N,4] %e = add(%x, %d) : f32[N,4]
    %f = multiply(%e, 0.7978845608028654) : f32[N,4] %g = tanh(%f) : f32[N,4]
    """

  @Test(arguments: [
    // As in GPT-2.
    tanhGate
      + """
      %h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r
      """,
    // 0.5 last, and the number first in the sum.
    tanhGate
      + """
      %h = add(1.0, %g) : f32[N,4] %a = multiply(%x, %h) : f32[N,4] %r = multiply(0.5, %a) : f32[N,4] return %r
      """,
    // Half of it.
    tanhGate
      + "%h = add(1.0, %g) : f32[N,4] %a = multiply(%h, %x) : f32[N,4] %r = divide(%a, 2) : f32[N,4] return %r",
    // The cube as a product, the slope multiplied out, and fewer digits than a float holds.
    """
    %c = multiply(%x, %x) : f32[N,4] %d = multiply(%c, 0.044715) : f32[N,4] %e = add(1.0, %d) : f32[N,4]
    %f = multiply(%x, 0.79788456) : f32[N,4] %i = multiply(%f, %e) : f32[N,4] %g = tanh(%i) : f32[N,4]
    %h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r
    """,
  ])
  func geluByTanh(text: String) throws {
    #expect(try raised(text) == "%r.2 = gelu(%x.0) {approximate = true} : f32[N,4]")
  }

  @Test(arguments: [
    """
    %a = divide(%x, 1.4142135623730951) : f32[N,4] %b = erf(%a) : f32[N,4] %c = add(%b, 1) : f32[N,4]
    %d = multiply(%x, %c) : f32[N,4] %r = multiply(%d, 0.5) : f32[N,4] return %r
    """,
    """
    %a = multiply(%x, 0.7071067811865476) : f32[N,4] %b = erf(%a) : f32[N,4] %c = add(1, %b) : f32[N,4]
    %d = multiply(0.5, %c) : f32[N,4] %r = multiply(%d, %x) : f32[N,4] return %r
    """,
    """
    %a = multiply(%x, -0.7071067811865476) : f32[N,4] %b = erfc(%a) : f32[N,4]
    %d = multiply(%x, 0.5) : f32[N,4] %r = multiply(%d, %b) : f32[N,4] return %r
    """,
  ])
  func geluByErf(text: String) throws { #expect(try raised(text) == "%r.2 = gelu(%x.0) : f32[N,4]") }

  @Test func geluOfASum() throws {
    let text = """
      %s = add(%x, %y) : f32[N,4] %a = divide(%s, 1.4142135623730951) : f32[N,4] %b = erf(%a) : f32[N,4]
      %c = add(%b, 1) : f32[N,4] %d = multiply(%s, 0.5) : f32[N,4] %r = multiply(%d, %c) : f32[N,4] return %r
      """
    #expect(try raised(text) == "%s.2 = add(%x.0, %y.1) : f32[N,4]\n%r.3 = gelu(%s.2) : f32[N,4]")
  }

  @Test(arguments: [
    // Another slope, another coefficient, another x, another sign, and another power.
    tanhGate.replacing("0.7978845608028654", with: "0.7978")
      + "%h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r",
    tanhGate.replacing("0.044715", with: "0.0447")
      + "%h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r",
    tanhGate
      + "%h = add(%g, 1.0) : f32[N,4] %a = multiply(%y, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r",
    tanhGate
      + "%h = subtract(1.0, %g) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r",
    tanhGate.replacing("power(%x, 3)", with: "power(%x, 2)")
      + "%h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4] return %r",
  ])
  func otherFormulasAreNotGelu(text: String) throws { #expect(try raised(text).contains("gelu") == false) }

  @Test func whatIsReadElsewhereStays() throws {
    let text =
      Self.tanhGate
        + """
        %h = add(%g, 1.0) : f32[N,4] %a = multiply(%x, 0.5) : f32[N,4] %r = multiply(%a, %h) : f32[N,4]
        %s = add(%r, %g) : f32[N,4] return %s
        """
    #expect(try raised(text).contains("gelu") == false)
  }

  @Test func productsWithAFunctionOfTheSame() throws {
    #expect(
      try raised("%a = sigmoid(%x) : f32[N,4] %r = multiply(%a, %x) : f32[N,4] return %r")
        == "%r.2 = silu(%x.0) : f32[N,4]")
    #expect(
      try raised(
        "%s = softplus(%x) : f32[N,4] %a = tanh(%s) : f32[N,4] %r = multiply(%x, %a) : f32[N,4] return %r")
        == "%r.2 = mish(%x.0) : f32[N,4]")
    #expect(
      try raised("%a = hard_sigmoid(%x) : f32[N,4] %r = multiply(%x, %a) : f32[N,4] return %r")
        == "%r.2 = hard_swish(%x.0) : f32[N,4]")
  }

  @Test(arguments: [
    "%a = sigmoid(%y) : f32[N,4] %r = multiply(%a, %x) : f32[N,4] return %r",
    "%b = multiply(%x, 1.702) : f32[N,4] %a = sigmoid(%b) : f32[N,4] %r = multiply(%a, %x) : f32[N,4] return %r",
    """
    %s = softplus(%x) {beta = 2.0} : f32[N,4] %a = tanh(%s) : f32[N,4] %r = multiply(%x, %a) : f32[N,4] return %r
    """,
    "%r = maximum(%x, 0) : f32[N,4] return %r",
    "%e = exp(%x) : f32[N,4] %s = add(%e, 1) : f32[N,4] %r = log(%s) : f32[N,4] return %r",
  ])
  func otherProductsStay(text: String) throws {
    let function = try program(text)
    #expect(try RaisePatterns().run(function).body.operations.map(\.name) == function.body.operations.map(\.name))
  }
}
