import GraftIR
import Testing

@testable import GraftTransform

@Suite struct RaiseNormalizationsTests {
  private func raised(_ text: String) throws -> String {
    let function = try program(text, arguments: "%w: f32[4] = parameter \"w\" %b: f32[4] = parameter \"b\"")
    let result = try PassPipeline("test", [RaisePatterns(), EliminateDeadCode()], verifies: true).run(function)
    return body(result)
  }

  private static let meanSquare =
    "%p = power(%x, 2) : f32[N,4] %m = mean(%p) {axes = [1], keepdims = true} : f32[N,1]"
  private static let variance = """
    %mean = mean(%x) {axes = [1], keepdims = true} : f32[N,1] %c = subtract(%x, %mean) : f32[N,4]
    %m = var(%x) {axes = [1], keepdims = true} : f32[N,1]
    """

  // MARK: RMS norm

  @Test(arguments: [
    "%s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4]",
    "%s = sqrt(%e) : f32[N,1] %n = divide(%x, %s) : f32[N,4]",
    "%q = sqrt(%e) : f32[N,1] %s = divide(1.0, %q) : f32[N,1] %n = multiply(%s, %x) : f32[N,4]",
    "%s = power(%e, -0.5) : f32[N,1] %n = multiply(%x, %s) : f32[N,4]",
  ])
  func rmsNorm(division: String) throws {
    let text = Self.meanSquare + " %e = add(%m, 1e-06) : f32[N,1] " + division
    #expect(
      try raised(text + " %r = multiply(%w, %n) : f32[N,4] return %r")
        == "%r.4 = rms_norm(%x.0, %w.2) {rank = 1, eps = 1e-06} : f32[N,4]\nreturn %r.4")
  }

  @Test func rmsNormOfProduct() throws {
    let text = """
      %p = multiply(%x, %x) : f32[N,4] %m = mean(%p) {axes = [1], keepdims = true} : f32[N,1]
      %e = add(0.001, %m) : f32[N,1] %s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4] return %n
      """
    #expect(
      try raised(text) == "%n.4 = rms_norm(%x.0, absent) {rank = 1, eps = 0.001} : f32[N,4]\nreturn %n.4")
  }

  @Test(arguments: [
    // The mean over another axis, of another tensor, as a sum, without its axis, and eps beside the root.
    "%p = power(%x, 2) : f32[N,4] %m = mean(%p) {axes = [0], keepdims = true} : f32[1,4] %e = add(%m, 1e-06) : f32[1,4] "
      + "%s = rsqrt(%e) : f32[1,4] %n = multiply(%x, %s) : f32[N,4] return %n",
    "%p = power(%y, 2) : f32[N,4] %m = mean(%p) {axes = [1], keepdims = true} : f32[N,1] %e = add(%m, 1e-06) : f32[N,1] "
      + "%s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4] return %n",
    "%p = power(%x, 2) : f32[N,4] %m = sum(%p) {axes = [1], keepdims = true} : f32[N,1] %e = add(%m, 1e-06) : f32[N,1] "
      + "%s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4] return %n",
    "%p = power(%x, 3) : f32[N,4] %m = mean(%p) {axes = [1], keepdims = true} : f32[N,1] %e = add(%m, 1e-06) : f32[N,1] "
      + "%s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4] return %n",
    meanSquare
      + " %q = sqrt(%m) : f32[N,1] %e = add(%q, 1e-06) : f32[N,1] %n = divide(%x, %e) : f32[N,4] return %n",
  ])
  func otherScalesAreNotRMSNorm(text: String) throws { #expect(try raised(text).contains("rms_norm") == false) }

  @Test func otherFactorsAreNotItsWeight() throws {
    let norm =
      Self.meanSquare
      + " %e = add(%m, 1e-06) : f32[N,1] %s = rsqrt(%e) : f32[N,1] %n = multiply(%x, %s) : f32[N,4] "
    #expect(
      try raised(norm + "%r = multiply(%n, %y) : f32[N,4] return %r") == """
        %n.4 = rms_norm(%x.0, absent) {rank = 1, eps = 1e-06} : f32[N,4]
        %r.5 = multiply(%n.4, %y.1) : f32[N,4]
        return %r.5
        """)
  }

  // MARK: Layer norm

  @Test(arguments: [
    variance + " %e = add(%m, 1e-05) : f32[N,1] %s = sqrt(%e) : f32[N,1] %n = divide(%c, %s) : f32[N,4]",
    variance + " %e = add(%m, 1e-05) : f32[N,1] %s = rsqrt(%e) : f32[N,1] %n = multiply(%c, %s) : f32[N,4]",
    """
    %mean = mean(%x) {axes = [1], keepdims = true} : f32[N,1] %c = subtract(%x, %mean) : f32[N,4]
    %p = power(%c, 2) : f32[N,4] %m = mean(%p) {axes = [1], keepdims = true} : f32[N,1]
    %e = add(%m, 1e-05) : f32[N,1] %s = sqrt(%e) : f32[N,1] %n = divide(%c, %s) : f32[N,4]
    """,
  ])
  func layerNorm(text: String) throws {
    #expect(
      try raised(text + " %v = multiply(%w, %n) : f32[N,4] %r = add(%v, %b) : f32[N,4] return %r")
        == "%r.4 = layer_norm(%x.0, %w.2, %b.3) {rank = 1} : f32[N,4]\nreturn %r.4")
    #expect(
      try raised(text + " return %n") == "%n.4 = layer_norm(%x.0, absent, absent) {rank = 1} : f32[N,4]\nreturn %n.4")
  }

  @Test(arguments: [
    // Bessel's correction, eps beside the root, and the mean of something else.
    variance.replacing("keepdims = true} : f32[N,1]\n", with: "keepdims = true} : f32[N,1] ")
      .replacing("%m = var(%x) {axes = [1]", with: "%m = var(%x) {axes = [1], correction = 1.0")
      + " %e = add(%m, 1e-05) : f32[N,1] %s = sqrt(%e) : f32[N,1] %n = divide(%c, %s) : f32[N,4] return %n",
    variance + " %q = sqrt(%m) : f32[N,1] %s = add(%q, 1e-05) : f32[N,1] %n = divide(%c, %s) : f32[N,4] return %n",
    variance.replacing("var(%x)", with: "var(%y)")
      + " %e = add(%m, 1e-05) : f32[N,1] %s = sqrt(%e) : f32[N,1] %n = divide(%c, %s) : f32[N,4] return %n",
  ])
  func otherScalesAreNotLayerNorm(text: String) throws { #expect(try raised(text).contains("layer_norm") == false) }

  // MARK: Softmax

  private static let shifted = """
    %m = max(%x) {axes = [1], keepdims = true} : f32[N,1] %a = subtract(%x, %m) : f32[N,4] %e = exp(%a) : f32[N,4]
    %s = sum(%e) {axes = [1], keepdims = true} : f32[N,1]
    """

  @Test func softmax() throws {
    #expect(
      try raised(Self.shifted + " %r = divide(%e, %s) : f32[N,4] return %r")
        == "%r.4 = softmax(%x.0) {axis = 1} : f32[N,4]\nreturn %r.4")
    #expect(
      try raised(Self.shifted + " %l = log(%s) : f32[N,1] %r = subtract(%a, %l) : f32[N,4] return %r")
        == "%r.4 = log_softmax(%x.0) {axis = 1} : f32[N,4]\nreturn %r.4")
    #expect(
      try raised(
        "%l = logsumexp(%x) {axes = [1], keepdims = true} : f32[N,1] %r = subtract(%x, %l) : f32[N,4] return %r")
        == "%r.4 = log_softmax(%x.0) {axis = 1} : f32[N,4]\nreturn %r.4")
  }

  @Test(arguments: [
    // Not guarded against overflow, sums over another axis, and powers of something else.
    "%e = exp(%x) : f32[N,4] %s = sum(%e) {axes = [1], keepdims = true} : f32[N,1] %r = divide(%e, %s) : f32[N,4] return %r",
    "%r.0 = softmax(%x) {axis = 1} : f32[N,4] %r = log(%r.0) : f32[N,4] return %r",
    shifted.replacing("%s = sum(%e) {axes = [1], keepdims = true} : f32[N,1]", with: "")
      + "%s = sum(%e) {axes = [0], keepdims = true} : f32[1,4] %r = divide(%e, %s) : f32[N,4] return %r",
    "%l = logsumexp(%y) {axes = [1], keepdims = true} : f32[N,1] %r = subtract(%x, %l) : f32[N,4] return %r",
  ])
  func otherRatiosAreNotSoftmax(text: String) throws {
    let function = try program(text)
    #expect(try RaisePatterns().run(function).body.operations.map(\.name) == function.body.operations.map(\.name))
  }
}
