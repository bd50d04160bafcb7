import GraftIR
import GraftOps
import GraftSyntax
import Testing

@testable import GraftEmit

@Suite struct ParameterTreeTests {
  @Test func numberedChildrenWithoutGapsAreLists() {
    let tree = ParameterTree(paths: ["layers.0.weight", "layers.1.weight", "head.0.bias", "head.3.bias"])
    #expect(tree.access("layers.1.weight", in: "params").rendered == #"params["layers"][1]["weight"]"#)
    #expect(tree.access("head.3.bias", in: "params").rendered == #"params["head"]["3"]["bias"]"#)
  }
}

@Suite struct HelperLibraryTests {
  private let library = HelperLibrary(sources: [
    """
    \"\"\"Helpers.\"\"\"

    import jax


    def outer(
        x,
    ):
        return inner(x) + 1


    @jax.jit
    def inner(x):
        text = "def nobody(x):"

        return x


    CONSTANT = 3


    def unused(x):
        return x
    """
  ])

  @Test func readsTopLevelFunctions() {
    #expect(Array(library.helpers.keys) == ["outer", "inner", "unused"])
    #expect(library.helpers["inner"]?.source.hasPrefix("@jax.jit\ndef inner(x):") == true)
    #expect(library.helpers["inner"]?.source.hasSuffix("return x") == true)
  }

  @Test func bringsWhatAHelperCalls() {
    #expect(library.closure(of: ["outer"]).map(\.name) == ["outer", "inner"])
    #expect(library.closure(of: ["missing"]).isEmpty)
  }
}

@Suite struct DimExpressionTests {
  @Test func writesSizesAsArithmetic() {
    let n = Dim.symbol("N")
    func text(_ dim: Dim) -> String { PythonExpression(dim) { .name($0.lowercased()) }.rendered }
    #expect(text(n * 2 + 1) == "2 * n + 1")
    #expect(text((n + 1).floorDivided(by: 2)) == "(n + 1) // 2")
    #expect(text(n - 3) == "n - 3")
    #expect(text(7) == "7")
  }
}
