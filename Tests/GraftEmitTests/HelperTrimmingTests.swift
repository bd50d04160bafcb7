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
  """
])

private func emitted(
  _ name: String, calls: [PythonExpression], bias: [Bool] = [], also other: [String] = []
) -> String {
  var uses = HelperUses()
  for isPresent in bias.isEmpty ? [true, false] : bias { uses.note(name, present: ["bias": isPresent, "x": true]) }
  for name in other { uses.note(name, present: [:]) }
  let function = PythonFunction("f", body: calls.map { .expression($0) })
  let helpers = library.trimmed(uses, calledIn: [function]) { $0 }
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
            out = jnp.multiply(
                x,
                2,
            )
            return out + params["bias"] if "bias" in params else out
        """)
  }

  @Test func anOptionThatSomeCallPassesStays() {
    let text = emitted("scale", calls: [call("scale"), call("scale", ("by", 3))])
    #expect(text.hasPrefix("def scale(params: dict, x: Array, *, by: float = 2.0) -> Array:\n"))
    #expect(text.contains("C / by] over the last axis") && text.contains("        by,\n"))
    #expect(!text.contains("# if") && !text.contains("axis=axes"))
  }

  @Test func aFunctionThatIsPassedOnKeepsEverything() {
    let text = emitted("scale", calls: [.name("jax.vmap").call(.name("scale"))])
    #expect(text.contains("axis=axes,\n") && text.contains("by: float = 2.0,\n") && !text.contains("# if"))
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
    #expect(text.contains("    return jnp.multiply(\n        x,") && !text.contains("bias"))
  }

  @Test func entriesThatSomeTreesHaveAreAskedFor() {
    #expect(emitted("affine", calls: [call("affine")], bias: [true, false]).contains("if \"bias\" in params:"))
  }

  @Test func whatAnotherHelperCallsIsNotTrimmed() {
    #expect(
      emitted("affine", calls: [call("affine")], bias: [true], also: ["caller"]).contains("if \"bias\" in params:"))
  }
}
