import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct SeparateCallsTests {
  /// Calls 0 and 1 of functions that both compute `exp(x)`, each on its own line of a file.
  private func function(
    _ body: String, outputs: String = "#0", lines: [(call: Int?, line: Int)]
  ) throws -> Function {
    var function = try program(body, outputs: outputs)
    function.calls = [FunctionCall("m.f", frames: 1), FunctionCall("m.g", frames: 1)]
    func line(_ number: Int, _ text: String) -> GraftIR.SourceLocation {
      GraftIR.SourceLocation(file: "m.py", line: number, text: text)
    }
    for (index, place) in lines.enumerated() {
      var frames = [line(100 + (place.call ?? 0), "y = f(x)")]
      if place.call != nil { frames.append(line(place.line, "h = x.exp()")) }
      function.body.operations[index].origin = Origin(frames: frames, call: place.call)
    }
    return try EliminateCommonSubexpressions().run(function)
  }

  private func separated(_ function: Function, inlining inlined: Set<Int> = []) throws -> [String] {
    let result = SeparateCalls(function, inlining: inlined).run()
    try OpCatalogue.verify(result)
    return result.body.operations.map { "\($0.name) \($0.origin.call.map(String.init) ?? "-")" }
  }

  private let shared = """
    %a = exp(%x) : f32[N,4] %b = tanh(%a) : f32[N,4]
    %c = exp(%x) : f32[N,4] %d = sin(%y) : f32[N,4] %e = add(%c, %d) : f32[N,4]
    %f = add(%b, %e) : f32[N,4] return %f
    """
  private let places: [(Int?, Int)] = [(0, 1), (0, 2), (1, 11), (1, 12), (1, 13), (nil, 0)]

  @Test func eachCallComputesItsOwn() throws {
    let function = try function(shared, lines: places)
    #expect(function.body.operations.map(\.name) == ["exp", "tanh", "sin", "add", "add"])
    #expect(try separated(function) == ["exp 0", "tanh 0", "exp 1", "sin 1", "add 1", "add -"])
  }

  @Test func aCopyStandsWhereItsLineDoes() throws {
    let late: [(Int?, Int)] = [(0, 1), (0, 2), (1, 12), (1, 11), (1, 13), (nil, 0)]
    #expect(try separated(function(shared, lines: late)) == ["exp 0", "tanh 0", "sin 1", "exp 1", "add 1", "add -"])
  }

  @Test func callsThatAreNoFunctionsShare() throws {
    let function = try function(shared, lines: places)
    #expect(try separated(function, inlining: [0, 1]) == ["exp -", "tanh -", "sin -", "add -", "add -"])
    #expect(try separated(function, inlining: [1]) == ["exp 0", "tanh 0", "sin -", "exp -", "add -", "add -"])
  }

  @Test func aCallThatNothingReadsIsGone() throws {
    let function = try function(
      "%a = exp(%x) : f32[N,4] %b = exp(%x) : f32[N,4] %c = add(%a, %b) : f32[N,4] return %c",
      lines: [(0, 1), (1, 11), (nil, 0)])
    #expect(try separated(function) == ["exp 0", "add -"])
  }

  @Test func whatACallReturnsIsItsOwn() throws {
    let function = try function(
      "%a = exp(%x) : f32[N,4] %b = exp(%x) : f32[N,4] %c = tanh(%b) : f32[N,4] return %a, %c",
      outputs: "(#0, #1)", lines: [(0, 1), (1, 11), (1, 12)])
    #expect(try separated(function) == ["exp 0", "exp 1", "tanh 1"])
  }
}

@Suite struct CallSignatureTests {
  /// Values `a`, `b` of hints, and a call that is given them.
  private func signature(
    _ hints: [String?], given: [(String, Int)], returns: [String?] = []
  ) -> (CallSignature, [Value]) {
    var function = Function(name: "f")
    let values = hints.map { function.makeValue(TensorType(.float32), hint: $0) }
    function.arguments = values.enumerated().map { Argument(.input(leaf: $0), $1) }
    let arguments = given.map { FunctionCall.Argument($0.0, .value(values[$0.1])) }
    let call = FunctionCall("m.f", frames: 1, arguments: arguments, returns: returns)
    return (CallSignature(call, in: function), values)
  }

  @Test func inputsAreInTheOrderOfTheParameters() {
    let (signature, v) = signature(["a", "b", "c"], given: [("boxes", 1), ("others", 0)])
    let named = signature.named([v[0], v[2], v[1]])
    #expect(named.map(\.name) == ["boxes", "others", "c"])
    #expect(named.map(\.value) == [v[1], v[0], v[2]])
  }

  @Test func whatWasRewrittenIsKnownByItsNameOrPlace() {
    let (byName, v) = signature(["a", "b", "a"], given: [("boxes", 0), ("others", 1)])
    #expect(byName.named([v[1], v[2]]).map(\.value) == [v[2], v[1]])
    let (byPlace, w) = signature([nil, nil, nil, nil], given: [("boxes", 0), ("others", 1)])
    #expect(byPlace.named([w[3], w[2]]).map(\.value) == [w[2], w[3]])
    #expect(byPlace.named([w[3], w[2]]).map(\.name) == ["boxes", "others"])
  }

  @Test func resultsAreInTheOrderInWhichTheyAreReturned() {
    let (signature, v) = signature(["low", "high", nil], given: [], returns: ["high", nil, "low"])
    #expect(signature.ordered(v) == [v[1], v[2], v[0]])
    #expect(signature.ordered([v[0], v[1]]) == [v[0], v[1]])
  }
}
