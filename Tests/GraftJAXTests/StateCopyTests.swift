import GraftEmit
import GraftSyntax
import Testing

@testable import GraftJAX

@Suite struct StateCopyTests {
  private let state = ParameterTree(paths: [
    "bn1.mean", "layer1.0.bn.mean", "layer1.1.bn.mean", "layer2.0.bn.mean", "downsample.1.mean",
  ])

  private func store(_ keys: PythonExpression...) -> PythonStatement {
    .assign(.tuple(["x", keys.reduce("new_state") { $0[$1] }]), PythonExpression.name("f").call("x"))
  }

  private func text(_ body: [PythonStatement]) -> String {
    var copies = StateCopies(of: state)
    let statements = copies.copying(in: body) { PythonExpression.name("copy").call("state") }
    return PythonRenderer().render(statements, indentation: 0)
  }

  @Test func aFunctionThatStoresNothingCopiesNothing() {
    #expect(text([.assign("x", "state")]) == "x = state\n")
  }

  @Test func theRootIsCopiedAlone() {
    #expect(text([store(.string("bn1"))]) == "new_state = dict(state)\nx, new_state[\"bn1\"] = f(x)\n")
  }

  @Test func aBranchCopiesWhatOnlyItStoresInto() {
    let test = PythonExpression.string("downsample").compared(.in, "params")
    #expect(
      text([store(.string("bn1")), .if(test, [store(.string("downsample"), .string("1"))])]) == """
        new_state = dict(state)
        x, new_state["bn1"] = f(x)
        if "downsample" in params:
            new_state["downsample"] = dict(state["downsample"])
            x, new_state["downsample"]["1"] = f(x)

        """)
  }

  @Test func aLoopCopiesWhatItsVariableNames() {
    let inner = PythonStatement.for(
      .tuple(["index", "layer"]), in: PythonExpression.name("enumerate").call(PythonExpression.name("params")["name"]),
      body: [store("name", "index")])
    let names: PythonExpression = .tuple([
      .tuple([.string("layer1"), .integer(1)]), .tuple([.string("layer2"), .integer(2)]),
    ])
    #expect(
      text([.for(.tuple(["name", "stride"]), in: names, body: [inner])]) == """
        new_state = dict(state)
        for name, stride in (("layer1", 1), ("layer2", 2)):
            new_state[name] = list(state[name])
            for index, layer in enumerate(params[name]):
                x, new_state[name][index] = f(x)

        """)
  }

  @Test func whatIsTheSameInEveryTurnIsCopiedBefore() {
    let loop = PythonStatement.for(
      .tuple(["index", "layer"]), in: PythonExpression.name("enumerate").call("layers"),
      body: [store(.string("layer1"), "index", .string("bn"))])
    #expect(
      text([loop]) == """
        new_state = dict(state)
        new_state["layer1"] = list(state["layer1"])
        for index, layer in enumerate(layers):
            new_state["layer1"][index] = dict(state["layer1"][index])
            x, new_state["layer1"][index]["bn"] = f(x)

        """)
  }

  @Test func aWholeCopyStandsForNodesThatMayBeTheSame() {
    let names: PythonExpression = .tuple([.string("layer1"), .string("layer1")])
    let twice = PythonStatement.for("name", in: names, body: [store("name", .integer(0))])
    #expect(text([twice]).hasPrefix("new_state = copy(state)\n"))
    let once: PythonExpression = .tuple([.string("layer1"), .string("layer2")])
    let loop = PythonStatement.for("name", in: once, body: [store("name", .integer(0))])
    #expect(text([loop]).hasPrefix("new_state = dict(state)\n"))
    #expect(text([store(.string("layer1"), .integer(1)), loop]).hasPrefix("new_state = copy(state)\n"))
    let test = PythonExpression.name("test")
    #expect(
      text([.if(test, [store(.string("layer1"), .integer(0))]), store(.string("layer1"), .integer(1))])
        .hasPrefix("new_state = dict(state)\nnew_state[\"layer1\"] = list(state[\"layer1\"])\nif test:"))
  }
}
