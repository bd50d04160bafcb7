import GraftIR
import GraftOps
import Testing

@Suite struct TypeVerifierTests {
  private static func parse(_ body: String, arguments: String = "") throws -> Function {
    try IRParser.parse(
      """
      function f symbols { N: 1...64 T: 1...64 }
      arguments { %x: f32[N,4] = input #0 \(arguments) } inputs {"x": #0} names ["x"] outputs #0
      body { \(body) }
      origins { file 0 "model.py" line 0 0:12 "forward" "" }
      """)
  }

  @Test(arguments: [
    "%y = exp(%x) : f32[N,4] return %y",
    // Extents that may be equal are given the benefit of the doubt.
    "%y = exp(%x) : f32[T,4] return %y", "%y = full {shape = [N, 2], value = 1, dtype = i64} : i64[N,2] return %y",
    "%y = mode { %a = exp(%x) : f32[N,4] return %a } { return %x } : f32[N,4] return %y",
  ])
  func accepts(text: String) throws { try OpCatalogue.verify(Self.parse(text)) }

  @Test(arguments: [
    ("%y = expo(%x) : f32[N,4] @ l0 return %y", "there is no op `expo`"),
    ("%y = exp(%x) : f32[N,5] @ l0 return %y", "exp: %y.1 is recorded as f32[N,5] but is a f32[N,4]"),
    ("%y = exp(%x) : f64[N,4] @ l0 return %y", "exp: %y.1 is recorded as f64[N,4] but is a f32[N,4]"),
    ("%y = exp(%x) : f32[N + 1,4] @ l0 return %y", "exp: %y.1 is recorded as f32[N + 1,4] but is a f32[N,4]"),
    ("%y = exp(%x) : f32[4] @ l0 return %y", "exp: %y.1 is recorded as f32[4] but is a f32[N,4]"),
    ("%y, %z = exp(%x) : f32[N,4], f32[] @ l0 return %y", "exp: has 1 results, not 2"),
    ("%y = exp : f32[N,4] @ l0 return %y", "exp: operand `x` does not fit"),
    ("%y = exp(2.0) : f32[N,4] @ l0 return %y", "exp: operand `x` does not fit"),
    ("%y = exp(%x, %x) : f32[N,4] @ l0 return %y", "exp: takes 1 operands, not 2"),
    ("%y = exp(%x) {base = 2} : f32[N,4] @ l0 return %y", "exp: has no attribute `base`"),
    ("%y = cast(%x) : f32[N,4] @ l0 return %y", "cast: attribute `dtype` is missing"),
    ("%y = cast(%x) {dtype = 3} : f32[N,4] @ l0 return %y", "cast: attribute `dtype` cannot be 3"),
    ("%y = mode { return %x } : f32[N,4] @ l0 return %y", "mode: needs two regions that yield equally many tensors"),
    (
      "%m = mode { %y = expo(%x) : f32[N,4] @ l0 return %y } { return %x } : f32[N,4] return %m",
      "there is no op `expo`"
    ),
  ])
  func rejects(text: String, message: String) throws {
    let function = try Self.parse(text)
    let diagnostic = #expect(throws: Diagnostic.self) { try OpCatalogue.verify(function) }
    #expect(diagnostic?.code == .invalidProgram)
    #expect(diagnostic?.message == message)
    #expect(diagnostic?.location?.line == 12)
  }

  @Test func rejectsUpdatesOfAnotherType() throws {
    let function = try Self.parse("return %x update \"s\" = %x", arguments: "%s: f32[4] = state \"s\"")
    let diagnostic = #expect(throws: Diagnostic.self) { try OpCatalogue.verify(function) }
    #expect(diagnostic?.message == "state `s` is a f32[4] but its update is a f32[N,4]")
  }
}
