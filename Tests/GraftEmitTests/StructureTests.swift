import GraftIR
import GraftSyntax
import Testing

@testable import GraftEmit

private func call(_ function: String, _ arguments: PythonExpression..., keywords: [(String, PythonExpression)] = [])
  -> PythonExpression
{
  PythonExpression.name(function).call(arguments, keywords: keywords)
}

private func element(_ list: String, _ index: Int, of root: PythonExpression = "params") -> PythonExpression {
  root[.string(list)][.integer(index)]
}

private func key(_ name: String) -> PythonExpression { PythonExpression.name("params")[.string(name)] }

private func text(_ statements: [PythonStatement]) -> String {
  PythonModule(docstring: nil, imports: [], statements: statements).rendered()
}

@Suite struct LoopRollerTests {
  private let roller = LoopRoller(avoiding: ["block"]) { list in
    ["params", "state"].contains { list == .subscript(.name($0), .string("blocks")) } ? .list(3) : nil
  }

  @Test func writesCallsOverAWholeListAsALoop() {
    let calls = (0..<3).map { PythonStatement.assign("x", call("f", element("blocks", $0), "x")) }
    #expect(
      text(roller.roll(calls)) == """
        for layer in params["blocks"]:
            x = f(layer, x)

        """)
  }

  @Test func saysWhatALoopStandsFor() throws {
    let calls = (0..<3).map { index in
      PythonStatement.assign("h", call("f", element("blocks", index), index == 0 ? "tokens" : "h", "mask"))
    }
    let (statements, origins) = roller.rollKeepingOrigins([.assign("mask", call("causal", "tokens"))] + calls)
    let loop = try #require(statements.last.flatMap { origins[$0] })
    #expect(loop.turns == [1..<2, 2..<3, 3..<4])
    let carried = try #require(loop.carried.first)
    #expect(loop.carried.count == 1)
    #expect(carried.name == "h" && carried.start == "tokens" && carried.ends == ["h", "h", "h"])
  }

  @Test func slicesAListThatBeginsElsewhere() {
    let rest = (1..<3).map { PythonStatement.assign("x", call("f", element("blocks", $0), "x")) }
    #expect(text(roller.roll(rest)) == "for layer in params[\"blocks\"][1:]:\n    x = f(layer, x)\n")
    let longer = (1..<4).map { PythonStatement.assign("x", call("f", element("layers", $0), "x")) }
    #expect(text(roller.roll(longer)) == "for layer in params[\"layers\"][1:4]:\n    x = f(layer, x)\n")
  }

  @Test func givesTheStartingValueTheLoopsName() {
    let calls = (0..<3).map { index in
      PythonStatement.assign("h", call("f", element("blocks", index), index == 0 ? "tokens" : "h", "mask"))
    }
    #expect(
      text(roller.roll(calls)) == """
        h = tokens
        for layer in params["blocks"]:
            h = f(layer, h, mask)

        """)
  }

  @Test func startsWithTheLoopsNameWhereNothingElseReadsTheStart() {
    let calls = (0..<3).map { index in
      PythonStatement.assign("h", call("f", element("blocks", index), index == 0 ? "tokens" : "h"))
    }
    let begin: [PythonStatement] = [.assign("tokens", call("embed", "ids")), .assign("mask", call("causal", "ids"))]
    #expect(
      text(roller.roll(begin + calls)) == """
        h = embed(ids)
        mask = causal(ids)
        for layer in params["blocks"]:
            h = f(layer, h)

        """)
    let kept = roller.roll(begin + calls + [.return(.tuple(["h", "tokens"]))])
    #expect(text(kept).contains("h = tokens"))
  }

  @Test func storesStateByIndex() {
    let calls = (0..<3).map { index in
      PythonStatement.assign(
        .tuple(["x", element("blocks", index, of: "new_state")]),
        call("f", element("blocks", index), element("blocks", index, of: "state"), "x"))
    }
    #expect(
      text(roller.roll(calls)) == """
        for index, layer in enumerate(params["blocks"]):
            x, new_state["blocks"][index] = f(layer, state["blocks"][index], x)

        """)
  }

  @Test func countsUpInKeys() {
    let calls = (0..<3).map { PythonStatement.assign("x", call("f", key("layer_\($0)"), "x")) }
    #expect(text(roller.roll(calls)) == "for i in range(3):\n    x = f(params[f\"layer_{i}\"], x)\n")
    let whole = LoopRoller(avoiding: []) { $0 == "params" ? .dict(3) : nil }
    #expect(text(whole.roll(calls)) == "for i in range(len(params)):\n    x = f(params[f\"layer_{i}\"], x)\n")
  }

  @Test func tellsTheFirstElementApart() {
    let calls = (0..<3).map { index in
      PythonStatement.assign(
        "x", call("f", element("blocks", index), "x", keywords: index == 0 ? [("stride", 2)] : []))
    }
    let roller = LoopRoller(
      avoiding: [], signatures: ["f": .init(positional: ["params", "x"], defaults: ["stride": 1])]
    ) { _ in .list(3) }
    #expect(
      text(roller.roll(calls)) == """
        for index, block in enumerate(params["blocks"]):
            x = f(block, x, stride=2 if index == 0 else 1)

        """)
  }

  @Test func loopsOverStagesThatDifferInConstants() {
    let strides = [1, 2, 2, 4]
    let calls = strides.indices.flatMap { stage in
      (0..<2).map { index in
        PythonStatement.assign(
          .tuple(["x", element("layer\(stage)", index, of: "new_state")]),
          call(
            "f", element("layer\(stage)", index), element("layer\(stage)", index, of: "state"), "x",
            keywords: index == 0 && stage > 0 ? [("stride", .integer(strides[stage]))] : []))
      }
    }
    let roller = LoopRoller(
      avoiding: [], signatures: ["f": .init(positional: ["params", "state", "x"], defaults: ["stride": 1])]
    ) { _ in .list(2) }
    #expect(
      text(roller.roll(calls)) == """
        for name, stride in (("layer0", 1), ("layer1", 2), ("layer2", 2), ("layer3", 4)):
            for index, layer in enumerate(params[name]):
                x, new_state[name][index] = f(layer, state[name][index], x, stride=stride)
                stride = 1

        """)
  }

  @Test func writesOutConstantsThatFollowNoPattern() {
    let rates = [1, 4, 2, 8]
    let calls = rates.indices.map { index in
      PythonStatement.assign(
        "x", call("f", element("blocks", index), "x", keywords: [("rate", .integer(rates[index]))]))
    }
    let roller = LoopRoller(avoiding: []) { _ in .list(4) }
    #expect(
      text(roller.roll(calls)) == """
        for block, rate in zip(params["blocks"], (1, 4, 2, 8)):
            x = f(block, x, rate=rate)

        """)
  }

  @Test func appendsToAListThatGrows() {
    var features: [PythonExpression] = ["x"]
    var statements: [PythonStatement] = []
    for index in 1..<5 {
      let name = index == 1 ? "feature" : "feature_\(index)"
      statements.append(.assign(.name(name), call("f", key("layer\(index)"), .list(features))))
      features.append(.name(name))
    }
    statements.append(.return(call("g", .list(features))))
    #expect(
      text(roller.roll(statements)) == """
        features = [x]
        for i in range(1, 5):
            feature = f(params[f"layer{i}"], features)
            features.append(feature)
        return g(features)

        """)
    let read = statements + [.return(call("g", "feature"))]
    #expect(roller.roll(read) == read)
  }

  /// A way down whose steps a way up reads backwards.
  private var wayDownAndUp: [PythonStatement] {
    let names: [PythonExpression] = ["x", "x_2", "x_3", "x_4"]
    let down = (0..<3).map { PythonStatement.assign(names[$0 + 1], call("down", element("blocks", $0), names[$0])) }
    let up = (0..<3).map {
      PythonStatement.assign("x_4", call("up", element("ups", $0), "x_4", names[2 - $0]))
    }
    return [.assign("x", call("stem", "images"))] + down + up + [.return("x_4")]
  }

  private let bothWays = LoopRoller(
    avoiding: ["up", "down"], signatures: ["up": .init(positional: ["params", "x", "skip"], defaults: [:])]
  ) { _ in .list(3) }

  @Test func collectsWhatALaterLoopReadsBackwards() {
    #expect(
      text(bothWays.roll(wayDownAndUp).reusingNames([])) == """
        x = stem(images)
        skips = []
        for block in params["blocks"]:
            skips.append(x)
            x = down(block, x)
        for layer, skip in zip(params["ups"], reversed(skips)):
            x = up(layer, x, skip)
        return x

        """)
  }

  @Test func collectsNothingWhosePartsAreReadOtherwise() {
    let read = Array(wayDownAndUp.dropLast()) + [.return(.tuple(["x_4", "x_2"]))]
    #expect(
      text(bothWays.roll(read)) == """
        x = stem(images)
        x_2 = down(params["blocks"][0], x)
        x_3 = down(params["blocks"][1], x_2)
        x_4 = down(params["blocks"][2], x_3)
        for layer, skip in zip(params["ups"], (x_3, x_2, x)):
            x_4 = up(layer, x_4, skip)
        return x_4, x_2

        """)
  }

  @Test func collectsWhatTurnsLeave() {
    let features = (0..<3).map { index in
      PythonStatement.assign(
        .name("feature_\(index)"), call("f", element("blocks", index), index == 0 ? "x" : .name("feature_\(index - 1)"))
      )
    }
    let list = PythonExpression.list((0..<3).map { .name("feature_\($0)") })
    #expect(
      text(roller.roll(features + [.return(list)])) == """
        feature_0 = x
        features = []
        for layer in params["blocks"]:
            feature_0 = f(layer, feature_0)
            features.append(feature_0)
        return features

        """)
  }

  @Test func functionsAreNotWhatLoopsAreOver() {
    let calls = ["f", "g", "h"].enumerated().map { index, name in
      PythonStatement.assign("x", call(name, element("blocks", index), "x"))
    }
    #expect(roller.roll(calls) == calls)
  }

  @Test func aNameWhoseValueIsNotReadAnyMoreIsUsedAgain() {
    let copied: [PythonStatement] = [.assign("x_2", "x"), .assign("x_2", call("f", "x_2")), .return("x_2")]
    #expect(text(copied.reusingNames(["x"])) == "x = f(x)\nreturn x\n")
    // What is no variable of the function may mean something in the file.
    #expect(copied.reusingNames([]) == copied)
    let both: [PythonStatement] = [.assign("x_2", call("f", "x")), .return(.tuple(["x", "x_2"]))]
    #expect(both.reusingNames(["x"]) == both)
    let loop = PythonStatement.for("layer", in: "layers", body: [.assign("x_2", call("f", "layer", "x_2", "x"))])
    let kept: [PythonStatement] = [.assign("x_2", "x"), loop, .return("x_2")]
    #expect(kept.reusingNames(["x"]) == kept)
  }

  @Test func leavesWhatIsNotUniform() {
    let gap = [0, 2, 3].map { PythonStatement.assign("x", call("f", element("blocks", $0), "x")) }
    #expect(roller.roll(gap) == gap)
    let other = (0..<3).map { index in
      PythonStatement.assign("x", call(index == 1 ? "g" : "f", element("blocks", index), "x"))
    }
    #expect(roller.roll(other) == other)
    let collecting = (0..<3).map { PythonStatement.assign(.name("x\($0)"), call("f", element("blocks", $0), "y")) }
    let all = collecting + [.return(.tuple(["x0", "x1", "x2"]))]
    #expect(roller.roll(all) == all)
  }
}

@Suite struct FunctionFamilyTests {
  private let signatures = [
    "conv": AntiUnifier.Signature(positional: ["params", "x"], defaults: ["stride": 1])
  ]

  private func function(_ body: [PythonStatement]) -> PythonFunction {
    PythonFunction("block", PythonParameters([PythonParameter("params"), PythonParameter("x")]), body: body)
  }

  private func convolution(_ name: String, stride: Int = 1) -> PythonExpression {
    call(
      "conv", PythonExpression.name("params")[.string(name)], "x",
      keywords: stride == 1 ? [] : [("stride", .integer(stride))])
  }

  private func families(_ functions: [PythonFunction], _ children: [Set<String>]? = nil) -> [FunctionFamily] {
    FunctionFamily.families(
      of: functions.enumerated().map { .init($1, children: children?[$0] ?? ["a"]) }, signatures: signatures)
  }

  @Test func equalFunctionsAreOne() {
    let one = function([.return(convolution("a"))])
    let families = families([one, one])
    #expect(families.map(\.members) == [[0, 1]])
    #expect(families[0].function == one)
  }

  @Test func constantsThatDifferBecomeKeywords() {
    let functions = [2, 1, 1].map { function([.return(convolution("a", stride: $0))]) }
    let families = families(functions)
    #expect(families.map(\.members) == [[0, 1, 2]])
    #expect(families[0].constants(of: 0).map(\.name) == ["stride"])
    #expect(families[0].constants(of: 1).isEmpty)
    #expect(
      text([.function(families[0].function)]) == """
        def block(params, x, *, stride: int = 1):
            return conv(params["a"], x, stride=stride)

        """)
  }

  @Test func otherOperationsAreAnotherFunction() {
    let functions = [function([.return(convolution("a"))]), function([.return(call("tanh", "x"))])]
    #expect(families(functions).map(\.members) == [[0], [1]])
  }

  @Test func otherParametersAreAnotherFunction() {
    let functions = [function([.return(convolution("a"))]), function([.return(convolution("b"))])]
    #expect(families(functions, [["a"], ["b"]]).count == 2)
  }

  @Test func loopsOverAllParametersShareAFunction() {
    func block(_ count: Int) -> PythonFunction {
      let step = PythonStatement.assign("x", call("f", key("layer"), "x"))
      return function([.for("i", in: call("range", call("len", "params")), body: [step]), .return("x")])
    }
    let families = families([block(2), block(3)], [["layer0", "layer1"], ["layer0", "layer1", "layer2"]])
    #expect(families.map(\.members) == [[0, 1]])
  }

  @Test func aChildThatSomeLackIsOptional() {
    func block(_ stride: Int, downsamples: Bool) -> PythonFunction {
      let identity = PythonStatement.assign("identity", convolution("downsample", stride: stride))
      let sum = PythonExpression.name("out") + (downsamples ? "identity" : "x")
      return function(
        [.assign("out", convolution("a", stride: stride))] + (downsamples ? [identity] : []) + [.return(sum)])
    }
    let families = families(
      [block(1, downsamples: false), block(2, downsamples: true), block(1, downsamples: false)],
      [["a"], ["a", "downsample"], ["a"]])
    #expect(families.map(\.members) == [[0, 1, 2]])
    #expect(
      text([.function(families[0].function)]) == """
        def block(params, x, *, stride: int = 1):
            out = conv(params["a"], x, stride=stride)
            identity = x
            if "downsample" in params:
                identity = conv(params["downsample"], x, stride=stride)
            return out + identity

        """)
  }
}

@Suite struct ReturnTests {
  @Test func foldsTheLastAssignmentIntoTheReturn() {
    let folded = [PythonStatement.assign("x", call("f", "y")), .return("x")].returningLastValue()
    #expect(folded == [.return(call("f", "y"))])
    let pair = [PythonStatement.assign("x", call("f", "y")), .return(.tuple(["x", "state"]))].returningLastValue()
    #expect(pair == [.return(.tuple([call("f", "y"), "state"]))])
    let twice = [PythonStatement.assign("x", call("f", "y")), .return(.tuple(["x", "x"]))]
    #expect(twice.returningLastValue() == twice)
  }

  @Test func foldsAShortOperandIntoTheReturn() {
    let sum = PythonStatement.assign("x", PythonExpression.name("x") + "identity")
    let again = PythonStatement.assign("x", call("relu", "x"))
    #expect([sum, again, .return("x")].returningLastValue() == [.return(call("relu", "x" + "identity"))])
    let twice = [sum, .assign("x", call("f", "x", "x")), .return("x")]
    #expect(twice.returningLastValue() == [sum, .return(call("f", "x", "x"))])
    let other = [sum, .return(call("relu", "x"))]
    #expect(other.returningLastValue() == other)
  }
}

@Suite struct TreePathTests {
  @Test func pathsOfConstantKeys() {
    #expect(element("blocks", 2)[.string("w")].treePath(in: "params") == "blocks.2.w")
    #expect(PythonExpression.name("params").treePath(in: "params") == "")
    #expect(PythonExpression.name("params")["i"].treePath(in: "params") == nil)
    #expect(element("blocks", 2, of: "state").treePath(in: "params") == nil)
  }

  @Test func pathsThatStatementsRead() {
    let statements: [PythonStatement] = [
      .assign("x", call("f", element("blocks", 0), key("scale")["i"])),
      .for("layer", in: key("layers"), body: [.assign("x", call("g", "layer", "x"))]),
    ]
    #expect(statements.treePaths(in: "params") == ["blocks.0", "scale", "layers"])
  }
}

@Suite struct VariableTypesTests {
  @Test func aVariableHasTheTypeOfItsLastAssignment() {
    let (small, large) = (TensorType(.float32, [1]), TensorType(.float32, [9]))
    var types = VariableTypes()
    types.declare("x", as: small, at: -1)
    types.declare("x", as: large, at: 2)
    #expect(types.type(of: "x", before: 2) == small)
    #expect(types.type(of: "x", before: 3) == large)
    #expect(types.type(of: "y", before: 3) == nil)
    let moved = types.moved(by: 4)
    #expect(moved.type(of: "x", before: 0) == small && moved.type(of: "x", before: 6) == small)
    #expect(moved.type(of: "x", before: 7) == large)
  }
}

@Suite struct OptionalChildTests {
  /// Functions of `x` and `bias` that add the bias; the first computes it of a child of its own.
  private func bodies(reading name: String) -> [[PythonStatement]] {
    let own: [PythonStatement] = [
      .assign("h", call("tanh", "x")), .assign("place", call("arange", "x")),
      .assign("bias", PythonExpression.name("params")[.string("table")]["place"]),
      .assign("bias", call("exp", "bias")), .assign("y", "h" + "bias"), .return(.tuple(["bias", "y"])),
    ]
    let other: [PythonStatement] = [
      .assign("h", call("tanh", "x")), .assign("y", "h" + .name(name)), .return(.tuple([.name(name), "y"])),
    ]
    return [own, other]
  }

  private func unified(reading name: String, inputs: [String]) -> String? {
    var unifier = AntiUnifier(signatures: [:], avoiding: [])
    let body = unifier.unify(bodies(reading: name), optional: "table", of: [0], inputs: inputs)
    return body.map { PythonRenderer().render($0, indentation: 0) }
  }

  @Test func whatOthersAreHandedIsComputedWhereTheChildIs() {
    #expect(
      unified(reading: "bias", inputs: ["x", "bias"]) == """
        h = tanh(x)
        if "table" in params:
            place = arange(x)
            bias = params["table"][place]
            bias = exp(bias)
        y = h + bias
        return bias, y

        """)
  }

  @Test func anotherNameIsTakenBefore() {
    #expect(unified(reading: "x", inputs: ["x"])?.contains("bias = x\nif \"table\" in params:") == true)
  }
}

@Suite struct GivenNumbersTests {
  private func common(
    _ values: [PythonExpression], given: [[(name: String, value: Scalar)]]
  ) -> (text: String, constants: [AntiUnifier.Constant])? {
    var unifier = AntiUnifier(signatures: [:], given: given, avoiding: ["x"])
    let body = unifier.unify(values.map { [.return($0)] })
    return body.map { (PythonRenderer().render($0, indentation: 0), unifier.constants) }
  }

  private let x = PythonExpression.name("x")

  @Test func aConstantHasTheNameOfTheParameterThatItIsPassedFor() throws {
    let found = try #require(
      common([x * .integer(2), x * .float(0.5)], given: [[("slope", .float(2))], [("slope", .float(0.5))]]))
    #expect(found.text == "return x * slope\n")
    #expect(found.constants.map(\.name) == ["slope"] && found.constants[0].isGivenAsFloat)
  }

  @Test func aConstantMayFollowFromParameters() throws {
    let found = try #require(
      common(
        [x * .float(0.9) + .integer(3), x * .float(0.75) + .integer(5)],
        given: [
          [("low", .int(1)), ("high", .int(4)), ("rate", .float(0.1))],
          [("low", .int(2)), ("high", .int(7)), ("rate", .float(0.25))],
        ]))
    #expect(found.text == "return x * (1 - rate) + (high - low)\n")
    #expect(found.constants.map(\.name) == ["low", "high", "rate"])
  }

  @Test func whatChangesNothingIsWrittenWhereOthersNeedIt() throws {
    let given: [[(name: String, value: Scalar)]] = [[("low", .int(0))], [("low", .int(2))]]
    #expect(common([x, x - .integer(2)], given: given)?.text == "return x - low\n")
    #expect(common([x, x - .integer(3)], given: given) == nil)
  }

  @Test func otherConstantsAreSizes() {
    #expect(common([x * .integer(2), x * .integer(3)], given: [])?.text == "return x * size\n")
  }
}
