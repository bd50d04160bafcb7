import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct RewriteTests {
  // MARK: Shapes

  @Test func dropsReshapesToTheSameShape() throws {
    try expect(
      program("%r = reshape(%x) {shape = [N, 4]} : f32[N,4] %e = exp(%r) : f32[N,4] return %e"),
      after: Canonicalise(), becomes: "%e.2 = exp(%x.0) : f32[N,4]\nreturn %e.2")
    try expect(
      program("%r = broadcast_to(%x) {shape = [N, 4]} : f32[N,4] return %r"), after: FoldConstants(),
      becomes: "return %x.0")
  }

  @Test func joinsReshapes() throws {
    try expect(
      program(
        """
        %a = reshape(%x) {shape = [N, 1, 4]} : f32[N,1,4] %b = reshape(%a) {shape = [4 * N]} : f32[4 * N] return %b
        """), after: Canonicalise(), becomes: "%b.2 = reshape(%x.0) {shape = [4 * N]} : f32[4 * N]\nreturn %b.2")
    try expect(
      program(
        "%a = reshape(%x) {shape = [N, 1, 4]} : f32[N,1,4] %b = reshape(%a) {shape = [N, 4]} : f32[N,4] return %b"),
      after: Canonicalise(), becomes: "return %x.0")
  }

  @Test func aReshapeBeforeAFlattenedLayerStaysApart() throws {
    try expect(
      program(
        """
        %h = reshape(%x) {shape = [2, 2, 2, 2]} : f32[2,2,2,2] %e = exp(%h) : f32[2,2,2,2]
        %a = reshape(%e) {shape = [2, 2, 4]} : f32[2,2,4] %f = reshape(%a) {shape = [4, 4]} : f32[4,4]
        %m = matmul(%f, %y) : f32[4,4] %r = reshape(%m) {shape = [2, 2, 4]} : f32[2,2,4] return %r
        """, type: "f32[4,4]"), after: Canonicalise(),
      becomes: """
        %h.2 = reshape(%x.0) {shape = [2, 2, 2, 2]} : f32[2,2,2,2]
        %e.3 = exp(%h.2) : f32[2,2,2,2]
        %a.4 = reshape(%e.3) {shape = [2, 2, 4]} : f32[2,2,4]
        %r.5 = matmul(%a.4, %y.1) : f32[2,2,4]
        return %r.5
        """)
  }

  @Test func aScanOfReversedSequencesRunsInReverse() throws {
    try expect(
      program(
        """
        %f = flip(%x) {axes = [0]} : f32[N,4]
        %start = sum(%x) {axes = [0]} : f32[4]
        %last, %all = scan([%start], [%f]) {count = N} { (%s: f32[4], %e: f32[4])
          %t = add(%s, %e) : f32[4]
          return %t, %t
        } : f32[4], f32[N,4]
        %r = flip(%all) {axes = [0]} : f32[N,4] return %r
        """), after: Canonicalise(),
      becomes: """
        %start.2 = sum(%x.0) {axes = [0]} : f32[4]
        %last.3, %r.4 = scan([%start.2], [%x.0]) {count = N, reverse = true} { (%s.5: f32[4], %e.6: f32[4])
          %t.7 = add(%s.5, %e.6) : f32[4]
          return %t.7, %t.7
        } : f32[4], f32[N,4]
        return %r.4
        """)
  }

  @Test func joinsTransposes() throws {
    let text =
      "%a = reshape(%x) {shape = [N, 2, 2]} : f32[N,2,2] %b = transpose(%a) {permutation = [1, 2, 0]} : f32[2,2,N]"
    try expect(
      program(text + " %c = transpose(%b) {permutation = [1, 2, 0]} : f32[2,N,2] return %c"), after: Canonicalise(),
      becomes: """
        %a.2 = reshape(%x.0) {shape = [N, 2, 2]} : f32[N,2,2]
        %c.3 = transpose(%a.2) {permutation = [2, 0, 1]} : f32[2,N,2]
        return %c.3
        """)
    try expect(
      program(text + " %c = transpose(%b) {permutation = [2, 0, 1]} : f32[N,2,2] return %c"), after: Canonicalise(),
      becomes: "%a.2 = reshape(%x.0) {shape = [N, 2, 2]} : f32[N,2,2]\nreturn %a.2")
  }

  @Test func joinsBroadcasts() throws {
    try expect(
      program(
        """
        %a = broadcast_to(%x) {shape = [2, N, 4]} : f32[2,N,4]
        %b = broadcast_to(%a) {shape = [3, 2, N, 4]} : f32[3,2,N,4] return %b
        """), after: Canonicalise(),
      becomes: "%b.2 = broadcast_to(%x.0) {shape = [3, 2, N, 4]} : f32[3,2,N,4]\nreturn %b.2")
  }

  // MARK: Arithmetic

  @Test(arguments: [
    "add(%x, 0)", "add(0.0, %x)", "subtract(%x, 0)", "multiply(%x, 1)", "multiply(1.0, %x)", "divide(%x, 1)",
    "power(%x, 1)", "cast(%x) {dtype = f32}",
  ])
  func dropsOperationsThatYieldTheirOperand(operation: String) throws {
    try expect(program("%r = \(operation) : f32[N,4] return %r"), after: FoldConstants(), becomes: "return %x.0")
  }

  @Test(arguments: ["add(%x, 1)", "subtract(0, %x)", "multiply(%x, 0)", "divide(1, %x)", "power(1, %x)"])
  func keepsOperationsThatDoSomething(operation: String) throws {
    let text = operation.replacing("%x", with: "%x.0")
    try expect(
      program("%r = \(operation) : f32[N,4] return %r"), after: FoldConstants(),
      becomes: "%r.2 = \(text) : f32[N,4]\nreturn %r.2")
  }

  // MARK: Conditions

  @Test func oneOfTwoComplementaryConditionsHolds() throws {
    let text = """
      %e = equal(%x, 0.0) : bool[N,4] %u = not_equal(%x, OTHER) : bool[N,4]
      %w = where(%u, -100.0, %x) : f32[N,4] %r = where(%e, %y, %w) : f32[N,4] return %r
      """
    try expect(
      program(text.replacing("OTHER", with: "0.0")), after: Canonicalise(),
      becomes: """
        %e.2 = equal(%x.0, 0.0) : bool[N,4]
        %r.3 = where(%e.2, %y.1, -100.0) : f32[N,4]
        return %r.3
        """)
    try expect(
      program(text.replacing("OTHER", with: "0.0").replacing("%y", with: "1.0")), after: Canonicalise(),
      becomes: """
        %e.2 = equal(%x.0, 0.0) : bool[N,4]
        %3 = full {shape = [], value = 1.0, dtype = f32} : f32[]
        %r.4 = where(%e.2, %3, -100.0) : f32[N,4]
        return %r.4
        """)
    let kept = try program(text.replacing("OTHER", with: "1.0"))
    try expect(kept, after: Canonicalise(), becomes: body(kept))
  }

  // MARK: Dropout

  private func drop(_ shape: String, keeping kept: String, dividingBy divisor: String) throws -> Function {
    try program(
      """
      %r = mode {
        %b = bernoulli(\(kept), %k) {shape = \(shape)} : bool\(shape.filter { $0 != " " })
        %c = cast(%b) {dtype = f32} : f32\(shape.filter { $0 != " " })
        %d = divide(%c, \(divisor)) : f32\(shape.filter { $0 != " " })
        %m = multiply(%x, %d) : f32[N,3,8]
        return %m
      } {
        return %x
      } : f32[N,3,8]
      return %r
      """, inputs: 1, type: "f32[N,3,8]", arguments: "%k: key[] = key")
  }

  @Test(arguments: [("[N, 3, 8]", ""), ("[N, 1, 1]", ", shared_axes = [1, 2]"), ("[N, 3, 1]", ", shared_axes = [2]")])
  func raisesDropout(shape: String, shared: String) throws {
    try expect(
      drop(shape, keeping: "0.975", dividingBy: "0.975"), after: RaisePatterns(),
      becomes: "%r.2 = dropout(%x.0, %k.1) {rate = 0.025\(shared)} : f32[N,3,8]\nreturn %r.2")
  }

  @Test func keepsDrawsThatAreScaledOtherwise() throws {
    let kept = try drop("[N, 1, 1]", keeping: "0.975", dividingBy: "0.95")
    try expect(kept, after: RaisePatterns(), becomes: body(kept))
  }

  @Test func writesFilledOperandsInPlace() throws {
    try expect(
      program(
        """
        %f = full {shape = [N, 4], value = 15.0, dtype = f32} : f32[N,4] %r = minimum(%x, %f) : f32[N,4] return %r
        """), after: FoldConstants(), becomes: "%r.2 = minimum(%x.0, 15.0) : f32[N,4]\nreturn %r.2")
  }

  @Test func keepsATensorAmongTheOperands() throws {
    let kept = try program(
      """
      %c = equal(%x, 0.0) : bool[N,4] %f = full {shape = [], value = 15.0, dtype = f32} : f32[]
      %r = where(%c, %f, -1.0) : f32[N,4] return %r
      """)
    try expect(kept, after: FoldConstants(), becomes: body(kept))
  }

  @Test func keepsFilledOperandsThatGiveTheResultItsShape() throws {
    let kept = try program(
      """
      %f = full {shape = [2, N, 4], value = 15.0, dtype = f32} : f32[2,N,4]
      %r = minimum(%x, %f) : f32[2,N,4] return %r
      """)
    try expect(kept, after: FoldConstants(), becomes: body(kept))
  }

  @Test func keepsBroadcastsByNeutralOperations() throws {
    try expect(
      program(
        "%f = full {shape = [2, 1, 4], value = 0.0, dtype = f32} : f32[2,1,4] %r = add(%x, %f) : f32[2,N,4] return %r"),
      after: FoldConstants(),
      becomes: """
        %f.2 = full {shape = [2, 1, 4], value = 0.0, dtype = f32} : f32[2,1,4]
        %r.3 = add(%x.0, %f.2) : f32[2,N,4]
        return %r.3
        """)
  }

  @Test func resolvesNegatives() throws {
    try expect(
      program("%a = negative(%x) : f32[N,4] %b = negative(%a) : f32[N,4] return %b"), after: FoldConstants(),
      becomes: "return %x.0")
    try expect(
      program("%a = negative(%x) : f32[N,4] %b = subtract(%y, %a) : f32[N,4] return %b"), after: Canonicalise(),
      becomes: "%b.2 = add(%y.1, %x.0) : f32[N,4]\nreturn %b.2")
    try expect(
      program("%a = negative(%x) : f32[N,4] %b = add(%y, %a) : f32[N,4] return %b"), after: Canonicalise(),
      becomes: "%b.2 = subtract(%y.1, %x.0) : f32[N,4]\nreturn %b.2")
  }

  @Test func joinsCastsThatLoseNothing() throws {
    try expect(
      program("%a = cast(%x) {dtype = f64} : f64[N,4] %b = cast(%a) {dtype = f32} : f32[N,4] return %b"),
      after: Canonicalise(), FoldConstants(), becomes: "return %x.0")
    try expect(
      program("%a = cast(%x) {dtype = i32} : i32[N,4] %b = cast(%a) {dtype = f32} : f32[N,4] return %b"),
      after: Canonicalise(),
      becomes: """
        %a.2 = cast(%x.0) {dtype = i32} : i32[N,4]
        %b.3 = cast(%a.2) {dtype = f32} : f32[N,4]
        return %b.3
        """)
  }

  // MARK: Constants

  @Test func castsConstants() throws {
    try expect(
      program(
        "%a = full {shape = [N], value = 1, dtype = i64} : i64[N] %b = cast(%a) {dtype = f32} : f32[N] return %b"),
      after: FoldConstants(), becomes: "%b.2 = full {shape = [N], value = 1.0, dtype = f32} : f32[N]\nreturn %b.2")
    try expect(
      program("%a = dimension {value = N, dtype = i64} : i64[] %b = cast(%a) {dtype = f32} : f32[] return %b"),
      after: FoldConstants(), becomes: "%b.2 = dimension {value = N, dtype = f32} : f32[]\nreturn %b.2")
    try expect(
      program("%a = constant {value = i64[2]{1, -1}} : i64[2] %b = cast(%a) {dtype = f32} : f32[2] return %b"),
      after: FoldConstants(), becomes: "%b.2 = constant {value = f32[2]{1.0, -1.0}} : f32[2]\nreturn %b.2")
    try expect(
      program("%a = arange {count = N, dtype = i64} : i64[N] %b = cast(%a) {dtype = f32} : f32[N] return %b"),
      after: FoldConstants(), becomes: "%b.2 = arange {count = N, dtype = f32} : f32[N]\nreturn %b.2")
    try expect(
      program(
        "%a = full {shape = [2], value = 300, dtype = i64} : i64[2] %b = cast(%a) {dtype = u8} : u8[2] return %b"),
      after: FoldConstants(),
      becomes: """
        %a.2 = full {shape = [2], value = 300, dtype = i64} : i64[2]
        %b.3 = cast(%a.2) {dtype = u8} : u8[2]
        return %b.3
        """)
  }

  @Test func computesWithExtents() throws {
    try expect(
      program(
        """
        %a = dimension {value = N, dtype = i64} : i64[] %b = add(%a, 1) : i64[]
        %c = multiply(%b, %a) : i64[] return %c
        """), after: FoldConstants(),
      becomes: "%c.2 = dimension {value = N + N * N, dtype = i64} : i64[]\nreturn %c.2")
  }

  @Test func computesWithNumbers() throws {
    try expect(
      program(
        """
        %a = full {shape = [N], value = 1.5, dtype = f32} : f32[N] %b = multiply(%a, 2) : f32[N]
        %c = subtract(1, %b) : f32[N] return %c
        """), after: FoldConstants(),
      becomes: "%c.2 = full {shape = [N], value = -2.0, dtype = f32} : f32[N]\nreturn %c.2")
    try expect(
      program("%a = constant {value = i64[2]{1, 2}} : i64[2] %b = multiply(%a, 3) : i64[2] return %b"),
      after: FoldConstants(), becomes: "%b.2 = constant {value = i64[2]{3, 6}} : i64[2]\nreturn %b.2")
    // An overflow is left to the target.
    try expect(
      program(
        "%a = full {shape = [2], value = 2147483647, dtype = i32} : i32[2] %b = add(%a, 1) : i32[2] return %b"),
      after: FoldConstants(),
      becomes: """
        %a.2 = full {shape = [2], value = 2147483647, dtype = i32} : i32[2]
        %b.3 = add(%a.2, 1) : i32[2]
        return %b.3
        """)
  }

  @Test func neverExpandsAnArange() throws {
    try expect(
      program("%a = arange {count = 3, dtype = i64} : i64[3] %b = add(%a, 1) : i64[3] return %b"),
      after: FoldConstants(),
      becomes: "%a.2 = arange {count = 3, dtype = i64} : i64[3]\n%b.3 = add(%a.2, 1) : i64[3]\nreturn %b.3")
  }

  @Test func putsScalarsInPlace() throws {
    for scalar in [
      "full {shape = [], value = 2, dtype = f32}", "constant {value = f32[]{2.0}}",
      "dimension {value = 2, dtype = f32}",
    ] {
      try expect(
        program("%s = \(scalar) : f32[] %r = multiply(%x, %s) : f32[N,4] return %r"), after: FoldConstants(),
        becomes: "%r.2 = multiply(%x.0, 2.0) : f32[N,4]\nreturn %r.2")
    }
  }

  // MARK: The driver

  @Test func rewritesRegionsAndKeepsHintsAndOrigins() throws {
    var function = try program(
      """
      %m = mode {
        %a = negative(%x) : f32[N,4] %out = subtract(%y, %a) : f32[N,4] return %out
      } { return %x } : f32[N,4] return %m
      """)
    let origin = Origin(node: "sub")
    function.body.operations[0].regions[0].operations[1].origin = origin
    let result = try PassPipeline("test", [Canonicalise(), EliminateDeadCode()], verifies: true).run(function)
    #expect(
      body(result) == """
        %m.2 = mode {
          %out.3 = add(%y.1, %x.0) : f32[N,4]
          return %out.3
        } {
          return %x.0
        } : f32[N,4]
        return %m.2
        """)
    #expect(result.body.operations[0].regions[0].operations[0].origin == origin)
  }

  @Test func whatModulesCallAValueHoldsForItsReplacement() throws {
    var function = try program(
      "%r = reshape(%x) {shape = [N, 4]} : f32[N,4] %e = exp(%r) : f32[N,4] %f = exp(%x) : f32[N,4] "
        + "%s = add(%e, %f) : f32[N,4] return %s")
    let reshaped = function.body.operations[0].results[0]
    let second = function.body.operations[2].results[0]
    function.passedNames = PassedNames([
      .init(module: "up", name: "skip", value: reshaped), .init(module: "up", name: "x", value: second),
    ])
    let result = try PassPipeline("test", [Canonicalise(), EliminateCommonSubexpressions()], verifies: true)
      .run(function)
    let exp = try #require(result.body.operations.last { $0.name == "exp" })
    #expect(result.passedNames.name(of: result.arguments[0].value, in: "up") == "skip")
    #expect(result.passedNames.name(of: exp.results[0], in: "up") == "x")
  }

  @Test func rulesThatUndoEachOtherAreReported() throws {
    let rules = [
      RewriteRule("there", "add") { b, site in [try b(.subtract, site.op[0], site.op[1])] },
      RewriteRule("back", "subtract") { b, site in [try b(.add, site.op[0], site.op[1])] },
    ]
    let function = try program("%a = add(%x, %y) : f32[N,4] return %a")
    let diagnostic = #expect(throws: Diagnostic.self) { try Rewriter("loop", rules).run(function) }
    #expect(diagnostic?.message.contains("is applied without end") == true)
  }

  @Test func rulesThatChangeTypesAreReported() throws {
    let rule = RewriteRule("wrong", "exp") { b, site in [try b(.sum, site.op[0], attributes: ["axes": .ints([0])])] }
    let function = try program("%a = exp(%x) : f32[N,4] return %a")
    let diagnostic = #expect(throws: Diagnostic.self) { try Rewriter("wrong", [rule]).run(function) }
    #expect(diagnostic?.message == "the rule `wrong` at exp turns f32[N,4] into f32[4]")
  }
}
