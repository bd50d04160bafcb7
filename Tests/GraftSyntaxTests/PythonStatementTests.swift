import Testing

@testable import GraftSyntax

@Suite struct PythonStatementTests {
  private let long: PythonExpression = "a_rather_long_variable_name_for_a_tensor"
  private let longer: PythonExpression = "an_exceptionally_long_variable_name_for_a_tensor"

  @Test(
    arguments: [
      (.assign("x", 1), "x = 1\n"),
      (.assign(.tuple(["x", "y"]), .tuple(["y", "x"])), "x, y = y, x\n"),
      (.assign("x", .tuple(["y", "z"])), "x = (y, z)\n"),
      (.assign(["x", "y"], 0), "x = y = 0\n"),
      (.annotatedAssign("tree", annotation: "dict", value: .dictionary([])), "tree: dict = {}\n"),
      (.augmentedAssign("x", .matmul, "w"), "x @= w\n"),
      (.return(.tuple(["x", "state"])), "return x, state\n"),
      (.return(nil), "return\n"),
      (.for(.tuple(["i", "x"]), in: "xs", body: [.continue]), "for i, x in xs:\n    continue\n"),
      (.while(true, body: [.break]), "while True:\n    break\n"),
      (
        .with([PythonContextItem(("open" as PythonExpression).call("path"), as: "f")], body: []),
        "with open(path) as f:\n    pass\n"
      ),
      (.raise(("ValueError" as PythonExpression).call(.string("no"))), "raise ValueError(\"no\")\n"),
      (.assert("x", message: .string("no")), "assert x, \"no\"\n"),
      (.import(.module("numpy", as: "np")), "import numpy as np\n"),
      (.comment("one\ntwo"), "# one\n# two\n"),
      (.expression(("f" as PythonExpression).call()), "f()\n"),
    ] as [(PythonStatement, String)])
  func oneLine(statement: PythonStatement, expected: String) {
    #expect(statement.rendered == expected)
  }

  @Test func argumentsMoveToOneIndentedLineFirst() {
    let call = ("jax.lax.conv_general_dilated" as PythonExpression).call(long, longer)
    #expect(
      PythonStatement.assign("x", call).rendered == """
        x = jax.lax.conv_general_dilated(
            a_rather_long_variable_name_for_a_tensor,
            an_exceptionally_long_variable_name_for_a_tensor,
        )

        """)
    let shorter = ("jax.lax.conv_general_dilated" as PythonExpression).call(long, "weight", keywords: [("stride", 2)])
    #expect(
      PythonStatement.assign("x", shorter).rendered == """
        x = jax.lax.conv_general_dilated(
            a_rather_long_variable_name_for_a_tensor, weight, stride=2
        )

        """)
  }

  @Test func operatorsBreakInParentheses() {
    #expect(
      PythonStatement.assign("x", long + longer * 2).rendered == """
        x = (
            a_rather_long_variable_name_for_a_tensor
            + an_exceptionally_long_variable_name_for_a_tensor * 2
        )

        """)
    #expect(
      PythonStatement.return(long.conditional(if: longer, else: .none)).rendered == """
        return (
            a_rather_long_variable_name_for_a_tensor
            if an_exceptionally_long_variable_name_for_a_tensor
            else None
        )

        """)
    #expect(
      PythonStatement.assert(long.compared(.equal, longer), message: .string("shapes differ")).rendered == """
        assert (
            a_rather_long_variable_name_for_a_tensor
            == an_exceptionally_long_variable_name_for_a_tensor
        ), "shapes differ"

        """)
  }

  @Test func chainsBreakBeforeTheirMethods() {
    let chain = long.method("reshape", "batch", "length").method("transpose", 0, 2, 1).method("astype", "jnp.float32")
    #expect(
      PythonStatement.assign("x", chain).rendered == """
        x = (
            a_rather_long_variable_name_for_a_tensor.reshape(batch, length)
            .transpose(0, 2, 1)
            .astype(jnp.float32)
        )

        """)
  }

  @Test func signaturesBreakOneParameterPerLine() {
    let function = PythonFunction(
      "batch_norm",
      PythonParameters(
        [
          PythonParameter("params", annotation: "dict"), PythonParameter("state", annotation: "dict"),
          PythonParameter("x", annotation: "Array"),
        ],
        keywordOnly: [
          PythonParameter("train", annotation: "bool"),
          PythonParameter("momentum", annotation: "float", default: 0.1),
          PythonParameter("eps", annotation: "float", default: 1e-5),
        ]),
      returns: .subscript("tuple", .tuple(["Array", "dict"])), docstring: "Summary.", body: [.return("x")])
    #expect(
      PythonStatement.function(function).rendered == """
        def batch_norm(
            params: dict,
            state: dict,
            x: Array,
            *,
            train: bool,
            momentum: float = 0.1,
            eps: float = 1e-5,
        ) -> tuple[Array, dict]:
            \"""Summary.\"""
            return x

        """)
  }

  @Test func branches() {
    let statement = PythonStatement.if(
      [PythonBranch("x", [.pass]), PythonBranch(!"y", [.return(1)])], orElse: [.comment("Nothing.")])
    #expect(statement.rendered == "if x:\n    pass\nelif not y:\n    return 1\n")
  }

  @Test func docstrings() {
    func rendered(_ docstring: String) -> String {
      PythonStatement.function(PythonFunction("f", docstring: docstring, body: [.pass])).rendered
    }
    #expect(rendered("One line.") == "def f():\n    \"\"\"One line.\"\"\"\n    pass\n")
    #expect(
      rendered("Summary.\n\n  More.\n    Indented.  ")
        == "def f():\n    \"\"\"Summary.\n\n    More.\n      Indented.\n    \"\"\"\n    pass\n")
    #expect(rendered(" ") == "def f():\n    pass\n")
  }

  @Test(.enabled(if: PythonTools.areAvailable, "needs python and ruff"))
  func docstringsOfAnyTextStayValid() throws {
    let texts = [
      "\"quoted\"", "ends in \"", "\"\"\"", "a \"\"\"\" b", "back\\", "\\", "\\\"\"\"", "tab\tinside",
      "\n\nlines\n\n\n  x\n y",
      "\u{0}", "é 漢", "\"\n\"", "trailing \\\nnext", "x\n\ty", "\u{2028}",
    ]
    let functions = texts.map { PythonStatement.function(PythonFunction("f", docstring: $0, body: [.return(nil)])) }
    let classes = texts.map { PythonStatement.class(PythonClass("A", docstring: $0, body: [.pass])) }
    let text = PythonModule(docstring: texts[0], statements: functions + classes).rendered()
    let formatted = try PythonTools.formatted(text)
    #expect(formatted == text)
  }
}
