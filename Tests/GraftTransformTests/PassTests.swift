import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct PassTests {
  @Test func deadCodeGoes() throws {
    try expect(
      program(
        """
        %k1, %k2 = split_key(%k) {count = 2} : key[], key[]
        %d = dropout(%x, %k1) {rate = 0.5} : f32[N,4]
        %e = exp(%x) : f32[N,4] %f = exp(%e) : f32[N,4] return %e
        """, arguments: "%k: key[] = key"), becomes: "%e.3 = exp(%x.0) : f32[N,4]\nreturn %e.3")
  }

  @Test func deadResultsOfBranchesGo() throws {
    try expect(
      program(
        """
        %a, %b = mode {
          %p = exp(%x) : f32[N,4] %q = tanh(%x) : f32[N,4] return %p, %q
        } { return %x, %y } : f32[N,4], f32[N,4] return %b
        """),
      becomes: """
        %b.2 = mode {
          %q.3 = tanh(%x.0) : f32[N,4]
          return %q.3
        } {
          return %y.1
        } : f32[N,4]
        return %b.2
        """)
  }

  @Test func inferenceIsWhatIsLeftOfBothModes() throws {
    let function = try program(
      """
      %d = dropout(%x, %k) {rate = 0.5} : f32[N,4]
      %m = mode { %p = exp(%d) : f32[N,4] return %p } { %q = tanh(%d) : f32[N,4] return %q } : f32[N,4]
      %e = add(%m, %d) : f32[N,4] return %e
      """, arguments: "%k: key[] = key")
    let pass = PassPipeline("inference", [FixMode(isTraining: false), EliminateDeadCode()], verifies: true)
    #expect(
      body(try pass.run(function)) == """
        %q.3 = tanh(%x.0) : f32[N,4]
        %e.4 = add(%q.3, %x.0) : f32[N,4]
        return %e.4
        """)
    let training = try FixMode(isTraining: true).run(function)
    #expect(training.body.operations.map(\.name) == ["dropout", "exp", "add"])
  }

  @Test func sizesBecomeNumbersEverywhere() throws {
    let function = try program(
      "%r = reshape(%x) {shape = [2 * N, 2]} : f32[2 * N,2] %s = sum(%r) {axes = [0]} : f32[2] return %s")
    let fixed = try PassPipeline("sizes", [FixSizes(["N": 3])], verifies: true).run(function)
    #expect(fixed.symbols.allSatisfy { $0.name != "N" })
    #expect(body(fixed).contains("{shape = [6, 2]} : f32[6,2]"))
  }

  @Test func commonSubexpressionsAreComputedOnce() throws {
    var function = try program(
      """
      %1 = exp(%x) : f32[N,4] %b = exp(%x) : f32[N,4] %c = add(%1, %b) : f32[N,4]
      %m = mode { %p = exp(%x) : f32[N,4] %q = tanh(%x) : f32[N,4] return %q }
        { %q = tanh(%x) : f32[N,4] return %q } : f32[N,4]
      %d = add(%c, %m) : f32[N,4] return %d
      """)
    function.body.operations[0].origin = Origin(node: "first")
    let result = try PassPipeline("test", [EliminateCommonSubexpressions()], verifies: true).run(function)
    #expect(result.body.operations[0].origin.node == "first")
    #expect(
      body(result) == """
        %b.2 = exp(%x.0) : f32[N,4]
        %c.3 = add(%b.2, %b.2) : f32[N,4]
        %m.4 = mode {
          %q.5 = tanh(%x.0) : f32[N,4]
          return %q.5
        } {
          %q.6 = tanh(%x.0) : f32[N,4]
          return %q.6
        } : f32[N,4]
        %d.7 = add(%c.3, %m.4) : f32[N,4]
        return %d.7
        """)
  }

  @Test func randomOperationsAreNeverJoined() throws {
    let text = """
      %a = dropout(%x, %k) {rate = 0.5} : f32[N,4] %b = dropout(%x, %k) {rate = 0.5} : f32[N,4]
      %c = add(%a, %b) : f32[N,4] return %c
      """
    let result = try EliminateCommonSubexpressions().run(program(text, arguments: "%k: key[] = key"))
    #expect(result.body.operations.map(\.name) == ["dropout", "dropout", "add"])
  }

  @Test func compositesAreDecomposedAllTheWay() throws {
    let function = try program("%r = rsqrt(%x) : f32[N,4] return %r")
    try expect(
      function, after: DecomposeComposites(),
      becomes: "%2 = sqrt(%x.0) : f32[N,4]\n%r.3 = divide(1, %2) : f32[N,4]\nreturn %r.3")
    try expect(
      function, after: DecomposeComposites(unless: { $0.name == "rsqrt" }),
      becomes: "%r.2 = rsqrt(%x.0) : f32[N,4]\nreturn %r.2")
  }

  @Test func unobservedStateIsDropped() throws {
    let function = try program(
      """
      %n2 = add(%n, 1) : i64[] %m2 = multiply(%m, 0.5) : f32[] %r = multiply(%x, %m) : f32[N,4]
      %o2 = add(%o, 1.0) : f32[] %m3 = add(%m2, %o) : f32[]
      return %r update "n" = %n2 update "m" = %m3 update "o" = %o2
      """,
      arguments: """
        %n: i64[] = state "n" persistent %m: f32[] = state "m" persistent %o: f32[] = state "o" persistent
        """)
    let (result, dropped) = try DropUnobservedState().split(function)
    try OpCatalogue.verify(result)
    #expect(dropped == ["n"])
    #expect(result.arguments.compactMap(\.path) == ["m", "o"])
    #expect(
      body(result) == """
        %m2.4 = multiply(%m.2, 0.5) : f32[]
        %r.5 = multiply(%x.0, %m.2) : f32[N,4]
        %o2.6 = add(%o.3, 1.0) : f32[]
        %m3.7 = add(%m2.4, %o.3) : f32[]
        return %r.5
        update "m" = %m3.7
        update "o" = %o2.6
        """)
  }

  @Test func pipelinesNameThePassThatBrokeTheFunction() throws {
    struct Break: Pass {
      let name = "break"
      func run(_ function: Function) throws -> Function {
        var function = function
        function.body.operations.removeAll()
        return function
      }
    }
    let function = try program("%r = exp(%x) : f32[N,4] return %r")
    let diagnostic = #expect(throws: Diagnostic.self) {
      try PassPipeline("test", [Canonicalise(), Break()], verifies: true).run(function)
    }
    #expect(diagnostic?.notes == ["found after break"])
  }
}
