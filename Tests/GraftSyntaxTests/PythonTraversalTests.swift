import Testing

@testable import GraftSyntax

@Suite struct PythonTraversalTests {
  @Test func freeNamesAreInOrderAndLeaveOutBoundOnes() {
    let comprehension = PythonExpression.listComprehension("x" + "y", for: "x", in: ("f" as PythonExpression).call("x"))
    #expect(comprehension.freeNames == ["y", "f", "x"])
    let lambda = PythonExpression.lambda(PythonParameters([PythonParameter("x", default: "d")]), "x" * "w")
    #expect(lambda.freeNames == ["d", "w"])
    #expect(("jnp.exp" as PythonExpression).call("z", "jnp.pi").freeNames == ["jnp", "z"])
  }

  @Test func substitutionKeepsPrecedenceAndBoundNames() {
    let product = ("x" as PythonExpression) * "y"
    #expect(product.substituting(["x": "a" + "b"]).rendered == "(a + b) * y")
    let lambda = PythonExpression.lambda(PythonParameters([PythonParameter("x")]), "x" + "y")
    #expect(lambda.substituting(["x": "z"]).rendered == "lambda x: x + y")
    #expect(lambda.substituting(["y": "x" * 2]).rendered == "lambda x_2: x_2 + x * 2")
    let comprehension = PythonExpression.listComprehension("x" + "y", for: "x", in: "x")
    #expect(comprehension.substituting(["x": "xs", "y": "x"]).rendered == "[x_2 + x for x_2 in xs]")
  }

  @Test func childrenAndMapChildrenAgree() {
    var generator = RandomPython(random: SeededGenerator(seed: 5), vocabulary: .everything)
    for _ in 0..<2000 {
      let expression = generator.expression(3)
      var visited: [PythonExpression] = []
      let copy = expression.mapChildren { child in
        visited.append(child)
        return child
      }
      #expect(copy == expression)
      #expect(Set(visited) == Set(expression.children))
      #expect(visited.count == expression.children.count)
    }
  }

  @Test func mapExpressionsReachesNestedStatements() {
    let statement = PythonStatement.for("i", in: "xs", body: [.if("i", [.return("i")])])
    let renamed = statement.mapExpressions { $0.substituting(["i": "j"]) }
    #expect(renamed.rendered == "for j in xs:\n    if j:\n        return j\n")
  }
}
