import GraftSyntax
import Testing

@testable import GraftEmit

private let library = HelperLibrary(sources: [
  """
  def scale(
      params: dict,
      x: Array,
      *,
      by: float = 2.0,
      axes: int | tuple = -1,
  ) -> Array:
      \"\"\"x [N, C / by] over the axes, plus bias [C].\"\"\"
      # if not by: " / by" -> ""
      # if not bias: ", plus bias [C]" -> ""
      # if not axes: "the axes" -> "the last axis"
      out = jnp.multiply(
          x,
          by,  # if by
          # if not by: 2,
          axis=axes,  # if axes
      )
      return out + params["bias"] if "bias" in params else out


  def affine(params: dict, x: Array) -> Array:
      out = x
      if "bias" in params:
          out = out + params["bias"]
      return out


  def caller(params: dict, x: Array) -> Array:
      return affine(params, x)


  def shift(x: Array, by: float) -> Array:
      \"\"\"Not to scale.\"\"\"
      return x + by


  def shift_twice(x: Array, by: float, *, mask: Array | None = None, back: bool = False) -> Array:
      if back:  # if back
          x = -x  # if back
      if mask is not None:  # if some mask
          x = x * mask  # if some mask
      # if always mask: x = x * mask
      return shift(x, by)
      # if not by: ", by)" -> ")"


  def scaled(x: Array, *, factor: float | None = None) -> Array:
      # if fixed factor: return x * factor
      return x * (2 if factor is None else factor)  # if not fixed factor
  """
])

private func emitted(
  _ name: String, calls: [PythonExpression], bias: [Bool] = [], also other: [String] = []
) -> String {
  var uses = HelperUses()
  for isPresent in bias.isEmpty ? [true, false] : bias { uses.note(name, present: ["bias": isPresent, "x": true]) }
  for name in other { uses.note(name, present: [:]) }
  let function = PythonFunction("f", body: calls.map { .expression($0) })
  let helpers = library.trimmed(uses, calledIn: [function]) { $0 }.helpers
  return helpers.first { $0.name == name }?.source ?? ""
}

private func call(_ name: String, _ keywords: (String, PythonExpression)...) -> PythonExpression {
  PythonExpression.name(name).call(["params", "x"], keywords: keywords)
}

@Suite struct HelperTrimmingTests {
  @Test func optionsThatNoCallPassesAreLeftOut() {
    #expect(
      emitted("scale", calls: [call("scale")]) == """
        def scale(params: dict, x: Array) -> Array:
            \"\"\"x [N, C] over the last axis, plus bias [C].\"\"\"
            out = jnp.multiply(x, 2)
            return out + params["bias"] if "bias" in params else out
        """)
  }

  @Test func anOptionThatSomeCallPassesStays() {
    let text = emitted("scale", calls: [call("scale"), call("scale", ("by", 3))])
    #expect(text.hasPrefix("def scale(params: dict, x: Array, *, by: float = 2.0) -> Array:\n"))
    #expect(text.contains("C / by] over the last axis") && text.contains("    out = jnp.multiply(x, by)\n"))
    #expect(!text.contains("# if") && !text.contains("axis=axes"))
  }

  @Test func aFunctionThatIsPassedOnKeepsEverything() {
    let text = emitted("scale", calls: [.name("jax.vmap").call(.name("scale"))])
    #expect(
      text.contains("jnp.multiply(x, by, axis=axes)\n") && text.contains("by: float = 2.0,\n") && !text.contains("# if")
    )
  }

  @Test func callsAreLaidOutAsTheFormatterDoes() {
    let long = String(repeating: "a", count: 40)
    #expect(HelperLayout.joined(["out = f(", "    x,", "    y=[1, 2],", ")"]) == ["out = f(x, y=[1, 2])"])
    let (first, second) = ("    \(long),", "    \(long)b,")
    #expect(HelperLayout.joined(["out = f(", first, second, ")"]) == ["out = f(", "    \(long), \(long)b", ")"])
    let three = ["out = f(", first, first, first, ")"]
    #expect(HelperLayout.joined(three) == three)
    let chained = ["out = f(", "    x,", ").mean()"]
    #expect(HelperLayout.joined(chained) == chained)
  }

  @Test func entriesThatAllTreesHaveAreNotAskedFor() {
    #expect(
      emitted("affine", calls: [call("affine")], bias: [true, true])
        == "def affine(params: dict, x: Array) -> Array:\n    out = x\n    return out + params[\"bias\"]")
    let text = emitted("scale", calls: [call("scale")], bias: [true])
    #expect(text.hasSuffix("    return out + params[\"bias\"]"))
  }

  @Test func entriesThatNoTreeHasAreNotAskedFor() {
    #expect(
      emitted("affine", calls: [call("affine")], bias: [false])
        == "def affine(params: dict, x: Array) -> Array:\n    return x")
    let text = emitted("scale", calls: [call("scale")], bias: [false])
    #expect(text.contains("    return jnp.multiply(x, 2)") && !text.contains("bias"))
  }

  @Test func entriesThatSomeTreesHaveAreAskedFor() {
    #expect(emitted("affine", calls: [call("affine")], bias: [true, false]).contains("if \"bias\" in params:"))
  }

  @Test func whatAnotherHelperCallsIsNotTrimmed() {
    #expect(
      emitted("affine", calls: [call("affine")], bias: [true], also: ["caller"]).contains("if \"bias\" in params:"))
  }

  @Test func aSwitchThatAllCallsTurnOnIsDecided() {
    let on = PythonExpression.name("shift_twice").call("x", "y", keywords: [("back", true)])
    let text = emitted("shift_twice", calls: [on])
    #expect(text.hasPrefix("def shift_twice(x: Array, by: float) -> Array:\n    x = -x\n"))
    #expect(remaining(on, of: ["shift_twice"]) == "shift_twice(x, y)")
    let off = PythonExpression.name("shift_twice").call("x", "y")
    #expect(emitted("shift_twice", calls: [on, off]).contains("    if back:\n        x = -x"))
  }

  @Test func aConstantThatCallsAgreeOnIsTheDefault() {
    let call = PythonExpression.name("shift").call("x", .float(0.5))
    #expect(emitted("shift", calls: [call, call]).hasPrefix("def shift(x: Array, by: float = 0.5) -> Array:"))
    #expect(remaining(call, call, of: ["shift"]) == "shift(x)")
    #expect(remaining(call, of: ["shift"]) == "shift(x, 0.5)")
    #expect(remaining(call, PythonExpression.name("shift").call("x", 1), of: ["shift"]) == "shift(x, 0.5)")
  }

  @Test func aConstantThatIsPassedOnIsTheOtherHelpersDefault() {
    let twice = PythonExpression.name("shift_twice").call("x", .float(0.5))
    let once = PythonExpression.name("shift").call("x", .float(0.5))
    #expect(
      emitted("shift_twice", calls: [twice, once], also: ["shift"])
        == "def shift_twice(x: Array) -> Array:\n    return shift(x)")
    #expect(remaining(twice, once, of: ["shift", "shift_twice"]) == "shift_twice(x)")
  }

  @Test func aConstantStandsInThePlaceOfItsParameter() {
    let call = PythonExpression.name("scaled").call("x", keywords: [("factor", .float(0.5))])
    #expect(emitted("scaled", calls: [call, call]) == "def scaled(x: Array) -> Array:\n    return x * 0.5")
    let one = PythonExpression.name("scaled").call("x", keywords: [("factor", .float(1))])
    #expect(emitted("scaled", calls: [one, one]) == "def scaled(x: Array) -> Array:\n    return x")
  }

  @Test func whatAllCallsPassIsRequired() {
    let call = PythonExpression.name("shift_twice").call("x", "y", keywords: [("mask", "seen")])
    #expect(emitted("shift_twice", calls: [call]).hasPrefix("def shift_twice(x: Array, by: float, *, mask: Array) -> "))
    #expect(emitted("shift_twice", calls: [call]).contains("\n    x = x * mask\n"))
  }

  /// The first of some calls as it is written beside trimmed helpers.
  private func remaining(_ calls: PythonExpression..., of helpers: [String]) -> String {
    var uses = HelperUses()
    for name in helpers { uses.note(name, present: [:]) }
    let function = PythonFunction("f", body: calls.map { .expression($0) })
    let functions = library.trimmed(uses, calledIn: [function]) { $0 }.functions
    guard case .expression(let call)? = functions[0].body.first else { return "" }
    return call.rendered
  }

  @Test func whatADocstringMentionsIsNotCarried() {
    #expect(library.closure(of: ["shift_twice"]).map(\.name) == ["shift", "shift_twice"])
  }
}
