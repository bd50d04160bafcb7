import GraftIR
import Testing

@testable import GraftTransform

@Suite struct RaiseIndexFunctionsTests {
  private func expect(
    _ text: String, becomes expected: String, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    #expect(try raised(indices + text) == expected, sourceLocation: sourceLocation)
  }

  /// Attention under the mask `%m` that the text defines.
  private func attention(_ text: String) -> String {
    text + " %o = attention(%q, %k, %v, %m, absent) : f32[N,2,T,4] return %o"
  }

  private static let causal = """
    %o.6 = attention(%q.3, %k.4, %v.5, absent, absent) {causal = true} : f32[N,2,T,4]
    return %o.6
    """

  // MARK: Boolean masks

  @Test func causalMasks() throws {
    try expect(attention("%m = less_equal(%i, %j) : bool[T,T]"), becomes: Self.causal)
    try expect(
      attention("%a = less_equal(%i, %j) : bool[T,T] %m = broadcast_to(%a) {shape = [N, 1, T, T]} : bool[N,1,T,T]"),
      becomes: Self.causal)
    try expect(
      attention("%a = full {shape = [T, T], value = true, dtype = bool} : bool[T,T] %m = tril(%a) : bool[T,T]"),
      becomes: Self.causal)
  }

  /// The mask of Hugging Face's transformers 5, which sees that position numbers go on without a break.
  @Test func causalMaskByPackedSequences() throws {
    try expect(
      attention(
        """
        %p = broadcast_to(%i) {shape = [N, T]} : i64[N,T]
        %f0 = slice(%p) {starts = [0, 0], stops = [N, 1], steps = [1, 1]} : i64[N,1]
        %f = subtract(%f0, 1) : i64[N,1]
        %d0 = concat([%f, %p]) {axis = 1} : i64[N,T + 1]
        %d1 = slice(%d0) {starts = [0, 1], stops = [N, T + 1], steps = [1, 1]} : i64[N,T]
        %d2 = slice(%d0) {starts = [0, 0], stops = [N, T], steps = [1, 1]} : i64[N,T]
        %d3 = subtract(%d1, %d2) : i64[N,T]
        %d4 = not_equal(%d3, 1) : bool[N,T]
        %d5 = cast(%d4) {dtype = i64} : i64[N,T]
        %packed = cumsum(%d5) {axis = 1} : i64[N,T]
        %n = arange {count = N, dtype = i64} : i64[N]
        %b = reshape(%n) {shape = [N, 1, 1, 1]} : i64[N,1,1,1]
        %qi = reshape(%line) {shape = [1, 1, T, 1]} : i64[1,1,T,1]
        %ki = reshape(%line) {shape = [1, 1, 1, T]} : i64[1,1,1,T]
        %r0 = index(%packed, [%b, %qi]) {axes = [0, 1]} : i64[N,1,T,1]
        %r1 = index(%packed, [%b, %ki]) {axes = [0, 1]} : i64[N,1,1,T]
        %r2 = equal(%r0, %r1) : bool[N,1,T,T]
        %r3 = bitwise_and(true, %r2) : bool[N,1,T,T]
        %s0 = index(%p, [%b, %qi]) {axes = [0, 1]} : i64[N,1,T,1]
        %s1 = index(%p, [%b, %ki]) {axes = [0, 1]} : i64[N,1,1,T]
        %s2 = less_equal(%s1, %s0) : bool[N,1,T,T]
        %m = bitwise_and(%r3, %s2) : bool[N,1,T,T]
        """), becomes: Self.causal)
  }

  @Test func masksThatHideNothingGo() throws {
    try expect(
      attention("%a = greater_equal(%j, 0) : bool[T,1] %m = broadcast_to(%a) {shape = [T, T]} : bool[T,T]"),
      becomes: """
        %o.6 = attention(%q.3, %k.4, %v.5, absent, absent) : f32[N,2,T,4]
        return %o.6
        """)
  }

  private static let gathered = """
    %n = arange {count = N, dtype = i64} : i64[N] %b = reshape(%n) {shape = [N, 1, 1, 1]} : i64[N,1,1,1]
    %ki = reshape(%line) {shape = [1, 1, 1, T]} : i64[1,1,1,T]
    %seen = index(%mask, [%b, %ki]) {axes = [0, 1]} : bool[N,1,1,T]

    """

  @Test func paddingMasksAreViews() throws {
    try expect(
      attention(
        Self.gathered + "%a = greater_equal(%j, 0) : bool[T,1] %m = bitwise_and(%a, %seen) : bool[N,1,T,T]"),
      becomes: """
        %mask.6 = reshape(%mask.0) {shape = [N, 1, 1, T]} : bool[N,1,1,T]
        %o.7 = attention(%q.3, %k.4, %v.5, %mask.6, absent) : f32[N,2,T,4]
        return %o.7
        """)
    try expect(
      attention(
        Self.gathered + "%a = less_equal(%i, %j) : bool[T,T] %m = bitwise_and(%a, %seen) : bool[N,1,T,T]"),
      becomes: """
        %mask.6 = reshape(%mask.0) {shape = [N, 1, 1, T]} : bool[N,1,1,T]
        %o.7 = attention(%q.3, %k.4, %v.5, %mask.6, absent) {causal = true} : f32[N,2,T,4]
        return %o.7
        """)
  }

  @Test func slidingWindows() throws {
    try expect(
      attention(
        """
        %s = subtract(%j, 4) : i64[T,1] %a = greater(%i, %s) : bool[T,T] %b = less_equal(%i, %j) : bool[T,T]
        %c = bitwise_and(true, %a) : bool[T,T] %m = bitwise_and(%c, %b) : bool[T,T]
        """),
      becomes: """
        %line.6 = arange {count = T, dtype = i64} : i64[T]
        %j.7 = reshape(%line.6) {shape = [T, 1]} : i64[T,1]
        %8 = subtract(%j.7, %line.6) : i64[T,T]
        %mask.9 = less(%8, 4) : bool[T,T]
        %o.10 = attention(%q.3, %k.4, %v.5, %mask.9, absent) {causal = true} : f32[N,2,T,4]
        return %o.10
        """)
  }

  // MARK: Masks that are added

  @Test(arguments: ["-inf", "-3.4028234663852886e+38"])
  func addedCausalMasks(hidden: String) throws {
    let past = "%a = less_equal(%i, %j) : bool[T,T] "
    let open = "%z = full {shape = [], value = 0.0, dtype = f32} : f32[] "
    try expect(attention(past + open + "%m = where(%a, %z, \(hidden)) : f32[T,T]"), becomes: Self.causal)
    try expect(
      attention(
        past + """
          %b = cast(%a) {dtype = f32} : f32[T,T] %c = subtract(1.0, %b) : f32[T,T]
          %d = cast(%c) {dtype = bool} : bool[T,T] %e = full {shape = [T, T], value = 0.0, dtype = f32} : f32[T,T]
          %h = full {shape = [], value = \(hidden), dtype = f32} : f32[] %m = where(%d, %h, %e) : f32[T,T]
          """), becomes: Self.causal)
    try expect(
      attention(past + "%m = where(%a, %bias, \(hidden)) : f32[T,T]"),
      becomes: """
        %o.6 = attention(%q.3, %k.4, %v.5, %bias.1, absent) {causal = true} : f32[N,2,T,4]
        return %o.6
        """)
  }

  /// A row that hides all keys has even weights under the lowest number, and zeros under a boolean mask.
  @Test func addedMasksThatMayHideAllKeysStay() throws {
    for hidden in ["-3.4028234663852886e+38", "-10000.0"] {
      let text = """
        %z = full {shape = [], value = 0.0, dtype = f32} : f32[] %a = less(%i, %j) : bool[T,T]
        %m = where(%a, %z, \(hidden)) : f32[T,T]
        """
      #expect(try raised(indices + attention(text)).contains("causal") == false)
      #expect(try raised(indices + attention(text)).contains("where("))
    }
    let padding = """
      %p = reshape(%mask) {shape = [N, 1, 1, T]} : bool[N,1,1,T] %a = less_equal(%i, %j) : bool[T,T]
      %b = bitwise_and(%a, %p) : bool[N,1,T,T] %z = full {shape = [], value = 0.0, dtype = f32} : f32[]
      %m = where(%b, %z, -3.4028234663852886e+38) : f32[N,1,T,T]
      """
    #expect(try raised(indices + attention(padding)).contains("causal") == false)
  }

  @Test func numbersThatOnlyLowerScoresStay() throws {
    let text = """
      %z = full {shape = [], value = 0.0, dtype = f32} : f32[] %a = less_equal(%i, %j) : bool[T,T]
      %m = where(%a, %z, -10000.0) : f32[T,T]
      """
    #expect(try raised(indices + attention(text)).contains("causal") == false)
  }

  // MARK: Where it must not fire

  @Test(arguments: [
    "%m = less(%i, %j) : bool[T,T]",
    "%a = subtract(%i, 1) : i64[1,T] %m = less_equal(%a, %j) : bool[T,T]",
    "%m = less_equal(%j, %i) : bool[T,T]",
    "%a = multiply(%i, 2) : i64[1,T] %m = less_equal(%a, %j) : bool[T,T]",
    "%a = minimum(%i, 3) : i64[1,T] %m = less_equal(%a, %j) : bool[T,T]",
    "%a = less_equal(%i, %j) : bool[T,T] %b = equal(%i, 5) : bool[1,T] %m = bitwise_or(%a, %b) : bool[T,T]",
    "%a = less_equal(%i, %j) : bool[T,T] %m = bitwise_xor(%a, %mask) : bool[N,T,T]",
  ])
  func otherMasksStay(mask: String) throws {
    let text = indices + attention(mask.replacing("xor(%a, %mask) : bool[N,T,T]", with: "xor(%a, %a) : bool[T,T]"))
    #expect(try raised(text).contains("causal") == false)
  }

  /// The diagonals of [S, T] and [T, S] are the same only where T and S are.
  @Test func diagonalsFromTheOtherEndStay() throws {
    let text = """
      %s = arange {count = T, dtype = i64} : i64[T] %n = dimension {value = T - S, dtype = i64} : i64[]
      %a = add(%i, %n) : i64[1,T] %m = less_equal(%a, %j) : bool[T,T]
      """
    #expect(try raised(indices + attention(text)).contains("causal") == false)
  }

  /// T is at most 64: a bound counts only if no size that is allowed reaches it.
  @Test func boundsHoldForAllSizes() throws {
    func mask(_ bound: String) -> String {
      attention("%a = less(%line, \(bound)) : bool[T] %m = broadcast_to(%a) {shape = [T, T]} : bool[T,T]")
    }
    #expect(try raised(indices + mask("64")).contains("absent, absent) : f32"))
    #expect(try raised(indices + mask("63")).contains("less(%line.6, 63)"))
    #expect(try raised(indices + "%s = dimension {value = S, dtype = i64} : i64[] " + mask("%s")).contains("less("))
    let own = "%t = dimension {value = T, dtype = i64} : i64[] "
    #expect(try raised(indices + own + mask("%t")).contains("absent, absent) : f32"))
  }

  /// A mask that is used as numbers too is written once for both.
  @Test func whatElseUsesAMaskKeepsIt() throws {
    try expect(
      """
      %m = less_equal(%line, %j) : bool[T,T] %o = attention(%q, %k, %v, %m, absent) : f32[N,2,T,4]
      %f = cast(%m) {dtype = f32} : f32[T,T] %g = multiply(%f, %bias) : f32[T,T] %h = sum(%g) {axes = [0, 1]} : f32[]
      %r = multiply(%o, %h) : f32[N,2,T,4] return %r
      """,
      becomes: """
        %line.6 = arange {count = T, dtype = i64} : i64[T]
        %j.7 = reshape(%line.6) {shape = [T, 1]} : i64[T,1]
        %m.8 = less_equal(%line.6, %j.7) : bool[T,T]
        %o.9 = attention(%q.3, %k.4, %v.5, absent, absent) {causal = true} : f32[N,2,T,4]
        %f.10 = cast(%m.8) {dtype = f32} : f32[T,T]
        %g.11 = multiply(%f.10, %bias.1) : f32[T,T]
        %h.12 = sum(%g.11) {axes = [0, 1]} : f32[]
        %r.13 = multiply(%o.9, %h.12) : f32[N,2,T,4]
        return %r.13
        """)
  }

  // MARK: Other values

  @Test func gathersOfPositionsAreRanges() throws {
    try expect(
      "%p = reshape(%line) {shape = [1, T]} : i64[1,T] %e = embedding(%table, %p) : f32[1,T,4] return %e",
      becomes: """
        %table.6 = slice(%table.2) {starts = [0, 0], stops = [T, 4], steps = [1, 1]} : f32[T,4]
        %e.7 = reshape(%table.6) {shape = [1, T, 4]} : f32[1,T,4]
        return %e.7
        """)
    try expect(
      """
      %p = broadcast_to(%i) {shape = [N, T]} : i64[N,T] %e = embedding(%table, %p) : f32[N,T,4]
      %w = exp(%e) : f32[N,T,4] return %w
      """,
      becomes: """
        %table.6 = slice(%table.2) {starts = [0, 0], stops = [T, 4], steps = [1, 1]} : f32[T,4]
        %e.7 = broadcast_to(%table.6) {shape = [N, T, 4]} : f32[N,T,4]
        %w.8 = exp(%e.7) : f32[N,T,4]
        return %w.8
        """)
    try expect(
      """
      %p = full {shape = [T], value = 0, dtype = i64} : i64[T] %e = embedding(%table, %p) : f32[T,4]
      %w = add(%e, %bias2) : f32[T,4] return %w
      """.replacing(
        "%p =", with: "%s = slice(%table) {starts = [0, 0], stops = [T, 4], steps = [1, 1]} : f32[T,4] %p ="
      )
      .replacing("%bias2", with: "%s"),
      becomes: """
        %s.6 = slice(%table.2) {starts = [0, 0], stops = [T, 4], steps = [1, 1]} : f32[T,4]
        %e.7 = select(%table.2) {axis = 0, index = 0} : f32[4]
        %w.8 = add(%e.7, %s.6) : f32[T,4]
        return %w.8
        """)
  }

  @Test func choicesThatAreDecidedGo() throws {
    try expect(
      """
      %a = greater_equal(%i, 0) : bool[1,T] %b = broadcast_to(%a) {shape = [T, T]} : bool[T,T]
      %m = where(%b, %bias, -1.0) : f32[T,T] %e = exp(%m) : f32[T,T] return %e
      """,
      becomes: """
        %e.6 = exp(%bias.1) : f32[T,T]
        return %e.6
        """)
  }

  @Test func numbersInALineAreAnArange() throws {
    try expect(
      """
      %a = add(%line, 1) : i64[T] %b = multiply(%a, 2) : i64[T] %c = cumsum(%b) {axis = 0} : i64[T]
      %d = slice(%b) {starts = [1], stops = [T], steps = [1]} : i64[T - 1] return %d
      """,
      becomes: """
        %d.6 = arange {count = T - 1, start = 4, step = 2, dtype = i64} : i64[T - 1]
        return %d.6
        """)
  }

  @Test func whatIsShortStays() throws {
    for text in [
      "%r = arange {count = T, dtype = i64} : i64[T] return %r",
      "%d = multiply(%line, %j) : i64[T,T] %f = cast(%d) {dtype = f32} : f32[T,T] %r = exp(%f) : f32[T,T] return %r",
      "%r = less_equal(%line, %j) : bool[T,T] return %r",
    ] {
      let pipeline = PassPipeline("test", [EliminateCommonSubexpressions(), EliminateDeadCode()], verifies: true)
      #expect(try raised(indices + text) == body(pipeline.run(indexProgram(indices + text))))
    }
  }

  @Test func regionsUseWhatIsWrittenOutside() throws {
    try expect(
      """
      %a = less_equal(%i, %j) : bool[T,T] %m = bitwise_and(true, %a) : bool[T,T]
      %o = mode {
        %p = attention(%q, %k, %v, %m, absent) : f32[N,2,T,4] return %p
      } {
        %p = attention(%q, %k, %v, %m, absent) : f32[N,2,T,4] %r = exp(%p) : f32[N,2,T,4] return %r
      } : f32[N,2,T,4] return %o
      """,
      becomes: """
        %o.6 = mode {
          %p.7 = attention(%q.3, %k.4, %v.5, absent, absent) {causal = true} : f32[N,2,T,4]
          return %p.7
        } {
          %p.8 = attention(%q.3, %k.4, %v.5, absent, absent) {causal = true} : f32[N,2,T,4]
          %r.9 = exp(%p.8) : f32[N,2,T,4]
          return %r.9
        } : f32[N,2,T,4]
        return %o.6
        """)
  }

  /// Modules become functions, none of which may read what another has computed for itself.
  @Test func modulesShareNoForms() throws {
    var function = try indexProgram(
      indices + """
        %s = subtract(%j, 4) : i64[T,1] %a = greater(%i, %s) : bool[T,T] %m = bitwise_and(true, %a) : bool[T,T]
        %t = subtract(%j, 4) : i64[T,1] %b = greater(%i, %t) : bool[T,T] %n = bitwise_and(true, %b) : bool[T,T]
        %x = where(%m, %bias, 1.0) : f32[T,T] %e = exp(%x) : f32[T,T]
        %y = where(%n, %e, 2.0) : f32[T,T] %g = exp(%y) : f32[T,T] return %g
        """)
    for index in function.body.operations.indices {
      let path = (6...8).contains(index) || index > 10 ? "second" : "first"
      function.body.operations[index].origin.modules = [ModuleCall(path: path, className: "Module")]
    }
    let pipeline = PassPipeline(
      "test", [RaiseIndexFunctions(), EliminateCommonSubexpressions(), EliminateDeadCode()], verifies: true)
    let operations = try pipeline.run(function).body.operations
    let first = Set(operations.filter { $0.origin.path == "first" }.flatMap(\.results))
    let crossing = operations.filter { $0.origin.path == "second" }.flatMap(\.usedValues).filter(first.contains)
    // What the first module yields: its exponential.
    #expect(Set(crossing).count == 1)
    #expect(operations.count { $0.name == "subtract" } == 2)
  }
}
