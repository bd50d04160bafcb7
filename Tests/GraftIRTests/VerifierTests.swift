import Testing

@testable import GraftIR

@Suite struct VerifierTests {
  /// A function of one input, with the given text as the rest of it.
  private static func text(_ body: String, arguments: String = "", outputs: String = "#0", symbols: String = "")
    -> String
  {
    """
    function f
    symbols { \(symbols) }
    arguments { %x: f32[2] = input #0 \(arguments) }
    inputs {"x": #0} names ["x"] outputs \(outputs)
    body { \(body) }
    origins { file 0 "model.py" line 0 0:12 "forward" "" }
    """
  }

  private static func expectRejection(
    of function: Function, _ message: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    let diagnostic = #expect(throws: Diagnostic.self, sourceLocation: sourceLocation) { try function.verify() }
    #expect(diagnostic?.code == .invalidProgram, sourceLocation: sourceLocation)
    #expect(diagnostic?.message == message, sourceLocation: sourceLocation)
  }

  @Test func acceptsWellFormedFunctions() throws {
    try IRParser.parse(Self.text("%y = add(%x, 1) : f32[2] return %y")).verify()
    try IRParser.parse(
      Self.text("update_it return %x update \"s\" = %s", arguments: "%s: f32[N] = state \"s\"", symbols: "N: 1...")
    ).verify()
  }

  @Test(arguments: [
    (text("return %x", arguments: "%y: f32[] = input #0"), "two arguments are input #0"),
    (
      text("return %x", arguments: "%y: f32[] = parameter \"w\" %z: f32[] = parameter \"v\" aliases [\"w\"]"),
      "two arguments are `w`"
    ),
    (text("return %x", arguments: "%k: key[] = key %l: key[] = key"), "two arguments are the random key"),
    (text("return %x", arguments: "%k: f32[] = key"), "the random key %k.1 is a f32[]"),
    (
      text("return %x", arguments: "%y: f32[] = input #1"), "the inputs' tree, names and arguments do not match"
    ),
    (text("return %x", outputs: "(#0, #1)"), "the outputs' tree does not match the 1 results"),
    (text("return %x, %x", outputs: "(#0, #0)"), "the outputs' tree does not match the 2 results"),
    (text("return absent"), "a result must be a value or a number"),
    (text("return %x update \"s\" = %x"), "there is no state `s` to update, or it is updated twice"),
    (
      text("return %x update \"s\" = 1", arguments: "%s: f32[] = state \"s\""), "state `s` is not updated by a value"
    ),
    (text("%y = a {n = M} : f32[2] return %y"), "a: attribute `n` has the undeclared symbol `M`"),
    (text("%y = a : f32[M] return %y"), "a: the type f32[M] of %y.1 has the undeclared symbol `M`"),
    (text("return %x", symbols: "N: 1... N: 2..."), "symbol `N` is declared twice"),
    (text("return %x", symbols: "f32: 1..."), "`f32` cannot be a symbol's name"),
    (text("return %x", symbols: "N: 3...2"), "the range and sizes of symbol `N` contradict each other"),
    (text("return %x", symbols: "N: 1...2 sizes [3]"), "the range and sizes of symbol `N` contradict each other"),
    ("function f inputs () outputs () body { return }", "the inputs are not a dict"),
  ])
  func rejects(text: String, message: String) throws {
    Self.expectRejection(of: try IRParser.parse(text), message)
  }

  @Test func rejectsUsesOutOfScope() throws {
    var f = try IRParser.parse(Self.text("%y = a(%x) : f32[2] @ l0 return %y"))
    f.body.operations[0].operands = [.value(Value(1))]
    let diagnostic = #expect(throws: Diagnostic.self) { try f.verify() }
    #expect(diagnostic?.message == "a: %y.1, an operand, is not defined before its use")
    #expect(diagnostic?.location == SourceLocation(file: "model.py", line: 12, function: "forward"))

    f = try IRParser.parse(Self.text("a { %y = b : f32[2] return %y } return %x"))
    f.body.results = [.value(Value(1))]
    Self.expectRejection(of: f, "%y.1, a result, is defined in a region that has ended")

    f = try IRParser.parse(Self.text("return %x"))
    f.body.results = [.value(Value(9))]
    Self.expectRejection(of: f, "%9, a result, is not defined before its use")
  }

  @Test func rejectsSecondDefinitions() throws {
    var f = try IRParser.parse(Self.text("%y = a : f32[2] return %y"))
    f.body.operations.append(f.body.operations[0])
    Self.expectRejection(of: f, "a: %y.1 is defined twice")
    f.body.operations[1].results = [Value(5)]
    Self.expectRejection(of: f, "a: value 5 does not belong to the function")
    f.body.operations.removeLast()
    f.body.arguments = [Value(0)]
    Self.expectRejection(of: f, "the body has an argument of its own, %x.0")
  }
}
