import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

@Suite struct RaiseAttentionTests {
  private func attention(_ text: String, keyHeads: Int = 4) throws -> Function {
    let kv = "f32[N,\(keyHeads),T,8]"
    let function = try IRParser.parse(
      """
      function f symbols { N: 1...64 T: 1...64 }
      arguments {
        %q: f32[N,4,T,8] = input #0 %k: \(kv) = input #1 %v: \(kv) = input #2 %seen: bool[N,1,T,T] = input #3
        %mask: f32[N,1,T,T] = input #4 %bias: f32[1,4,T,T] = parameter "bias" %cos: f32[T,8] = input #5
        %sin: f32[T,8] = input #6 %rng: key[] = key
      }
      inputs {"q": #0, "k": #1, "v": #2, "seen": #3, "mask": #4, "cos": #5, "sin": #6}
      names ["q", "k", "v", "seen", "mask", "cos", "sin"] outputs #0
      body { \(text) }
      """)
    try OpCatalogue.verify(function)
    return function
  }

  private func raised(_ text: String, keyHeads: Int = 4) throws -> String {
    let passes: [any Pass] = [RaisePatterns(), Canonicalise(), EliminateDeadCode()]
    let result = try PassPipeline("test", passes, verifies: true).run(attention(text, keyHeads: keyHeads))
    return body(result)
  }

  private static let scores = """
    %t = transpose(%k) {permutation = [0, 1, 3, 2]} : f32[N,4,8,T] %p = matmul(%q, %t) : f32[N,4,T,T]
    """
  private static let end = """
     %w = softmax(%s) {axis = 3} : f32[N,4,T,T] %r = matmul(%w, %v) : f32[N,4,T,8] return %r
    """

  // MARK: Attention

  @Test(arguments: [
    ("%s = multiply(%p, 0.25) : f32[N,4,T,T]", "0.25"), ("%s = divide(%p, 4.0) : f32[N,4,T,T]", "0.25"),
    ("%a = multiply(2.0, %p) : f32[N,4,T,T] %s = divide(%a, 4.0) : f32[N,4,T,T]", "0.5"),
  ])
  func scaledScores(scaling: String, scale: String) throws {
    #expect(
      try raised(Self.scores + scaling + Self.end)
        == "%r.9 = attention(%q.0, %k.1, %v.2, absent, absent) {scale = \(scale)} : f32[N,4,T,8]\nreturn %r.9")
  }

  @Test func scaledQuery() throws {
    let text = """
      %t = transpose(%k) {permutation = [0, 1, 3, 2]} : f32[N,4,8,T] %a = multiply(%q, 0.5) : f32[N,4,T,8]
      %s = matmul(%a, %t) : f32[N,4,T,T]
      """
    #expect(
      try raised(text + Self.end)
        == "%r.9 = attention(%q.0, %k.1, %v.2, absent, absent) {scale = 0.5} : f32[N,4,T,8]\nreturn %r.9")
  }

  @Test func addedBiasAndDropout() throws {
    let text =
      Self.scores + """
         %s = add(%p, %bias) : f32[N,4,T,T] %w = softmax(%s) {axis = 3} : f32[N,4,T,T]
        %d = dropout(%w, %rng) {rate = 0.1} : f32[N,4,T,T] %r = matmul(%d, %v) : f32[N,4,T,8] return %r
        """
    #expect(
      try raised(text) == """
        %r.9 = attention(%q.0, %k.1, %v.2, %bias.5, %rng.8) {scale = 1.0, dropout_rate = 0.1} : f32[N,4,T,8]
        return %r.9
        """)
  }

  @Test(arguments: ["-inf", "-3.4028234663852886e+38"])
  func causalMask(hidden: String) throws {
    let causal = """
       %i = arange {count = T, dtype = i64} : i64[T] %c = reshape(%i) {shape = [T, 1]} : i64[T,1]
      %past = greater_equal(%c, %i) : bool[T,T]
      """
    let result = try raised(Self.scores + causal + " %s = where(%past, %p, \(hidden)) : f32[N,4,T,T]" + Self.end)
    #expect(result.contains("attention(%q.0, %k.1, %v.2, %past.11, absent) {scale = 1.0}"), "\(result)")
  }

  @Test(arguments: [
    // Rows that may see nothing, numbers that are not the lowest, a mask that may be infinite, other axes, weights that
    // are read, and a scale after the mask.
    scores + " %s = where(%seen, %p, -inf) : f32[N,4,T,T]" + end,
    scores + " %s = where(%seen, %p, -3.4028234663852886e+38) : f32[N,4,T,T]" + end,
    scores + " %s = where(%seen, %p, -10000.0) : f32[N,4,T,T]" + end,
    scores + " %s = add(%p, %mask) : f32[N,4,T,T]" + end,
    scores + " %w = softmax(%p) {axis = 2} : f32[N,4,T,T] %r = matmul(%w, %v) : f32[N,4,T,8] return %r",
    scores
      + " %w = softmax(%p) {axis = 3} : f32[N,4,T,T] %o = matmul(%w, %v) : f32[N,4,T,8] "
      + "%u = matmul(%w, %k) : f32[N,4,T,8] %r = add(%o, %u) : f32[N,4,T,8] return %r",
    scores + " %a = add(%p, %bias) : f32[N,4,T,T] %s = multiply(%a, 0.5) : f32[N,4,T,T]" + end,
    scores
      + " %w = softmax(%p) {axis = 3} : f32[N,4,T,T] %x = matmul(%w, %w) : f32[N,4,T,T] "
      + "%r = matmul(%x, %v) : f32[N,4,T,8] return %r",
  ])
  func otherWeightsStay(text: String) throws { #expect(try raised(text).contains("attention") == false) }

  // MARK: Grouped queries

  private static func repeated(_ x: String, as name: String, grouped: String, wide: String) -> String {
    """
    %\(name)1 = reshape(%\(x)) {shape = [\(grouped)]} : f32[\(grouped)]
    %\(name)2 = broadcast_to(%\(name)1) {shape = [\(wide)]} : f32[\(wide)]
    %\(name)3 = reshape(%\(name)2) {shape = [N, 4, T, 8]} : f32[N,4,T,8]

    """
  }

  private static let grouped = " %r = attention(%q, %a3, %b3, absent, absent) {causal = true} : f32[N,4,T,8] return %r"

  @Test func groupedQueries() throws {
    let text = ["k": "a", "v": "b"].sorted { $0.key < $1.key }.map {
      Self.repeated($0.key, as: $0.value, grouped: "N, 2, 1, T, 8", wide: "N, 2, 2, T, 8")
    }
    #expect(
      try raised(text.joined() + Self.grouped, keyHeads: 2)
        == "%r.9 = attention(%q.0, %k.1, %v.2, absent, absent) {causal = true} : f32[N,4,T,8]\nreturn %r.9")
  }

  @Test func tiledHeadsAreNotGroups() throws {
    let text = ["k": "a", "v": "b"].sorted { $0.key < $1.key }.map {
      Self.repeated($0.key, as: $0.value, grouped: "N, 1, 2, T, 8", wide: "N, 2, 2, T, 8")
    }
    #expect(try raised(text.joined() + Self.grouped, keyHeads: 2).contains("broadcast_to"))
  }

  // MARK: Rotary embeddings

  private static let halves = """
    %x1 = slice(%q) {starts = [0, 0, 0, 0], stops = [N, 4, T, 4], steps = [1, 1, 1, 1]} : f32[N,4,T,4]
    %x2 = slice(%q) {starts = [0, 0, 0, 4], stops = [N, 4, T, 8], steps = [1, 1, 1, 1]} : f32[N,4,T,4]

    """
  private static let turned = """
     %n = negative(%x2) : f32[N,4,T,4] %t = concat([%n, %x1]) {axis = 3} : f32[N,4,T,8]
    %a = multiply(%q, %cos) : f32[N,4,T,8] %b = multiply(%t, %sin) : f32[N,4,T,8]

    """

  @Test(
    arguments: ["add(%a, %b)", "add(%b, %a)"],
    [halves, "%x1, %x2 = split(%q) {axis = 3, sizes = [4, 4]} : f32[N,4,T,4], f32[N,4,T,4]"])
  func rotaryEmbedding(sum: String, halves: String) throws {
    #expect(
      try raised(halves + Self.turned + "%r = \(sum) : f32[N,4,T,8] return %r")
        == "%r.9 = rotary_embedding(%q.0, %cos.6, %sin.7) : f32[N,4,T,8]\nreturn %r.9")
  }

  @Test(arguments: [
    // The other half negated, halves the other way round, unequal parts, another x, and a difference.
    halves + turned.replacing("negative(%x2)", with: "negative(%x1)").replacing("[%n, %x1]", with: "[%n, %x2]")
      + "%r = add(%a, %b) : f32[N,4,T,8] return %r",
    halves + turned.replacing("[%n, %x1]", with: "[%x1, %n]") + "%r = add(%a, %b) : f32[N,4,T,8] return %r",
    halves + turned.replacing("multiply(%q, %cos)", with: "multiply(%k, %cos)")
      + "%r = add(%a, %b) : f32[N,4,T,8] return %r",
    halves + turned + "%r = subtract(%a, %b) : f32[N,4,T,8] return %r",
  ])
  func otherRotationsStay(text: String) throws { #expect(try raised(text).contains("rotary") == false) }
}
