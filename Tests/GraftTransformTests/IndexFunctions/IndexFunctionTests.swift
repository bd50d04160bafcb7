import GraftIR
import Testing

@testable import GraftTransform

/// What the analysis knows of each op's result; `@k` is the index along the axis that is k from the last.
@Suite struct IndexFunctionTests {
  private func expect(
    _ body: String, _ function: String?, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    #expect(try indexFunction(indices + body) == function, sourceLocation: sourceLocation)
  }

  @Test func creation() throws {
    try expect("%r = arange {count = T, start = 2, step = 3, dtype = i64} : i64[T] return %r", "3 * @0 + 2")
    try expect("%r = arange {count = T, start = 0.5, dtype = f32} : f32[T] return %r", nil)
    try expect("%r = full {shape = [T, S], value = 7, dtype = i32} : i32[T,S] return %r", "7")
    try expect("%r = full {shape = [T], value = -inf, dtype = f32} : f32[T] return %r", "-inf")
    try expect("%r = dimension {value = T + 1, dtype = i64} : i64[] return %r", "T + 1")
    try expect("%r = eye {rows = T, columns = S, dtype = bool} : bool[T,S] return %r", "@0 - @1 == 0")
    try expect("%r = arange {count = 1, dtype = i64} : i64[1] return %r", "0")
  }

  @Test func arithmetic() throws {
    try expect("%r = add(%i, %j) : i64[T,T] return %r", "@0 + @1")
    try expect("%r = subtract(%i, %j) : i64[T,T] return %r", "@0 - @1")
    try expect("%r = multiply(%i, 3) : i64[1,T] return %r", "3 * @0")
    try expect("%r = multiply(%i, %j) : i64[T,T] return %r", "@0 * @1")
    try expect("%r = negative(%i) : i64[1,T] return %r", "-@0")
    try expect(
      "%a = subtract(2, %i) : i64[1,T] %b = subtract(%a, 2) : i64[1,T] %r = abs(%b) : i64[1,T] return %r", "@0")
    try expect("%r = square(%i) : i64[1,T] return %r", "@0 * @0")
    try expect("%r = maximum(%i, 0) : i64[1,T] return %r", "@0")
    try expect("%r = minimum(%i, 3) : i64[1,T] return %r", "min(3, @0)")
    try expect("%a = multiply(%i, 4) : i64[1,T] %r = floor_divide(%a, 2) : i64[1,T] return %r", "2 * @0")
    try expect("%r = remainder(%i, 64) : i64[1,T] return %r", "@0")
    try expect("%r = remainder(%i, 4) : i64[1,T] return %r", "(@0 % 4)")
    try expect("%r = floor_divide(%i, %j) : i64[T,T] return %r", nil)
    try expect("%r = floor_divide(%i, -2) : i64[1,T] return %r", nil)
  }

  @Test func comparisons() throws {
    try expect("%r = less_equal(%i, %j) : bool[T,T] return %r", "-@0 + @1 >= 0")
    try expect("%r = greater(%i, %j) : bool[T,T] return %r", "@0 - @1 - 1 >= 0")
    try expect("%r = greater_equal(%i, 0) : bool[1,T] return %r", "true")
    try expect("%n = dimension {value = T, dtype = i64} : i64[] %r = less(%i, %n) : bool[1,T] return %r", "true")
    try expect(
      "%n = dimension {value = S, dtype = i64} : i64[] %r = less(%i, %n) : bool[1,T] return %r", "-@0 + S - 1 >= 0")
    try expect("%r = equal(%i, -1) : bool[1,T] return %r", "false")
    try expect("%a = multiply(%i, 2) : i64[1,T] %r = equal(%a, 3) : bool[1,T] return %r", "false")
    try expect("%r = not_equal(%j, %i) : bool[T,T] return %r", "@0 - @1 != 0")
  }

  @Test func logic() throws {
    let past = "%a = less_equal(%i, %j) : bool[T,T] "
    try expect(past + "%r = bitwise_and(true, %a) : bool[T,T] return %r", "-@0 + @1 >= 0")
    try expect(past + "%r = bitwise_not(%a) : bool[T,T] return %r", "@0 - @1 - 1 >= 0")
    try expect(past + "%b = bitwise_not(%a) : bool[T,T] %r = bitwise_and(%a, %b) : bool[T,T] return %r", "false")
    try expect(past + "%b = bitwise_not(%a) : bool[T,T] %r = bitwise_or(%a, %b) : bool[T,T] return %r", "true")
    try expect(past + "%r = bitwise_xor(%a, %a) : bool[T,T] return %r", "false")
    try expect(
      past + "%b = less(%i, %j) : bool[T,T] %r = bitwise_and(%a, %b) : bool[T,T] return %r", "-@0 + @1 - 1 >= 0")
    try expect(past + "%b = less(%i, %j) : bool[T,T] %r = bitwise_or(%a, %b) : bool[T,T] return %r", "-@0 + @1 >= 0")
    try expect(
      past + "%b = not_equal(%i, %j) : bool[T,T] %r = bitwise_and(%a, %b) : bool[T,T] return %r",
      "-@0 + @1 - 1 >= 0")
    try expect(
      past + "%b = less_equal(%j, %i) : bool[T,T] %r = bitwise_and(%a, %b) : bool[T,T] return %r", "@0 - @1 == 0")
    try expect(
      past + "%b = not_equal(%i, %j) : bool[T,T] %c = bitwise_or(%a, %b) : bool[T,T] return %c", "true")
    try expect(
      "%m = bitwise_not(%mask) : bool[N,T] %r = bitwise_not(%m) : bool[N,T] return %r", "%0[@1, @0]")
    try expect("%r = bitwise_and(%i, 1) : i64[1,T] return %r", nil)
  }

  @Test func choicesAndCasts() throws {
    let past = "%a = less_equal(%i, %j) : bool[T,T] "
    try expect(past + "%r = cast(%a) {dtype = i64} : i64[T,T] return %r", "[-@0 + @1 >= 0] ? 1 : 0")
    try expect(
      past + "%b = cast(%a) {dtype = i64} : i64[T,T] %r = equal(%b, 1) : bool[T,T] return %r", "-@0 + @1 >= 0")
    try expect(past + "%r = cast(%a) {dtype = f32} : f32[T,T] return %r", "[-@0 + @1 >= 0] ? 1.0 : 0.0")
    try expect(
      past + "%b = cast(%a) {dtype = f32} : f32[T,T] %r = subtract(1.0, %b) : f32[T,T] return %r",
      "[-@0 + @1 >= 0] ? 0.0 : 1.0")
    try expect(past + "%r = where(%a, %i, %j) : i64[T,T] return %r", "[-@0 + @1 >= 0] ? @0 : @1")
    try expect(past + "%r = where(%a, %bias, -inf) : f32[T,T] return %r", "[-@0 + @1 >= 0] ? %1[@1, @0] : -inf")
    try expect("%m = reshape(%mask) {shape = [N, T]} : bool[N,T] %r = cast(%m) {dtype = i64} : i64[N,T] return %r", nil)
    try expect("%r = cast(%i) {dtype = bool} : bool[1,T] return %r", "@0 != 0")
    // At most 63, which every type holds; the position in a sequence of any length is not.
    try expect("%r = cast(%i) {dtype = bf16} : bf16[1,T] return %r", "@0")
    try expect("%a = multiply(%i, 5) : i64[1,T] %r = cast(%a) {dtype = bf16} : bf16[1,T] return %r", nil)
    try expect("%a = subtract(%i, 1) : i64[1,T] %r = cast(%a) {dtype = u8} : u8[1,T] return %r", nil)
  }

  @Test func shapes() throws {
    let sum = "%d = subtract(%i, %j) : i64[T,T] "
    try expect(sum + "%r = reshape(%d) {shape = [1, T, 1, T]} : i64[1,T,1,T] return %r", "@0 - @2")
    try expect(sum + "%r = reshape(%d) {shape = [T * T]} : i64[T * T] return %r", nil)
    try expect(sum + "%r = transpose(%d) {permutation = [1, 0]} : i64[T,T] return %r", "-@0 + @1")
    try expect(sum + "%r = broadcast_to(%d) {shape = [N, T, T]} : i64[N,T,T] return %r", "@0 - @1")
    try expect(
      sum + "%r = slice(%d) {starts = [1, 0], stops = [T, T], steps = [2, 1]} : i64[T // 2,T] return %r",
      "@0 - 2 * @1 - 1")
    try expect(sum + "%r = slice(%d) {starts = [0, 0], stops = [1, T], steps = [1, 1]} : i64[1,T] return %r", "@0")
    try expect(sum + "%r = select(%d) {axis = 0, index = T - 1} : i64[T] return %r", "@0 - T + 1")
    try expect(sum + "%r = flip(%d) {axes = [1]} : i64[T,T] return %r", "-@0 - @1 + T - 1")
    try expect(
      "%r = tril(%d) : i64[T,T] return %r".replacing("%r", with: sum + "%r", maxReplacements: 1),
      "[-@0 + @1 >= 0] ? @0 - @1 : 0")
  }

  @Test func joins() throws {
    try expect(
      "%a = arange {count = S, start = 1, dtype = i64} : i64[S] %r = concat([%line, %a]) {axis = 0} : i64[S + T] return %r",
      "[-@0 + T - 1 >= 0] ? @0 : @0 - T + 1")
    // The first position less one, and then the positions, are numbers in a row.
    try expect(
      """
      %f = slice(%i) {starts = [0, 0], stops = [1, 1], steps = [1, 1]} : i64[1,1] %e = subtract(%f, 1) : i64[1,1]
      %r = concat([%e, %i]) {axis = 1} : i64[1,T + 1] return %r
      """, "@0 - 1")
    try expect(
      "%r = pad(%line) {low = [0], high = [2], value = 9} : i64[T + 2] return %r", "[-@0 + T - 1 >= 0] ? @0 : 9")
    try expect("%r = stack([%line, %line]) {axis = 0} : i64[2,T] return %r", "@0")
  }

  @Test func scansAndSums() throws {
    try expect("%r = cumsum(%line) {axis = 0} : i64[T] return %r", "((@0 + @0 * @0) // 2)")
    try expect(
      "%a = full {shape = [N, T], value = 2, dtype = i64} : i64[N,T] %r = cumsum(%a) {axis = 1} : i64[N,T] return %r",
      "2 * @0 + 2")
    try expect(
      "%a = equal(%line, 3) : bool[T] %b = cast(%a) {dtype = i64} : i64[T] %r = cumsum(%b) {axis = 0} : i64[T] return %r",
      nil)
    try expect(
      "%a = broadcast_to(%i) {shape = [N, T]} : i64[N,T] %r = sum(%a) {axes = [0]} : i64[T] return %r", "@0 * N")
    try expect(
      "%a = broadcast_to(%i) {shape = [N, T]} : i64[N,T] %r = max(%a) {axes = [0], keepdims = true} : i64[1,T] return %r",
      "@0")
    try expect("%r = max(%line) {axes = [0]} : i64[] return %r", nil)
  }

  @Test func gathers() throws {
    let batch = "%n = arange {count = N, dtype = i64} : i64[N] %b = reshape(%n) {shape = [N, 1, 1, 1]} : i64[N,1,1,1] "
    let keys = "%c = reshape(%line) {shape = [1, 1, 1, T]} : i64[1,1,1,T] "
    try expect(batch + keys + "%r = index(%mask, [%b, %c]) {axes = [0, 1]} : bool[N,1,1,T] return %r", "%0[@3, @0]")
    try expect("%r = index(%table, [%j]) {axes = [0]} : f32[T,1,4] return %r", "%2[@2, @0]")
    try expect("%r = embedding(%table, %line) : f32[T,4] return %r", "%2[@1, @0]")
    try expect("%r = embedding(%table, %line) {padding_index = 0} : f32[T,4] return %r", nil)
    try expect(
      "%a = subtract(%line, 64) : i64[T] %r = index(%table, [%a]) {axes = [0]} : f32[T,4] return %r", "%2[@1, @0]")
    // Counted from the start or from the end, as the case may be.
    try expect("%a = subtract(%line, 1) : i64[T] %r = index(%table, [%a]) {axes = [0]} : f32[T,4] return %r", nil)
    try expect("%d = subtract(%i, %j) : i64[T,T] %r = index(%d, [%line]) {axes = [1]} : i64[T,T] return %r", "@0 - @1")
    try expect(
      "%w = reshape(%mask) {shape = [N, 1, T]} : bool[N,1,T] %z = full {shape = [T], value = 0, dtype = i64} : i64[T] "
        + "%r = index(%w, [%z, %line]) {axes = [1, 2]} : bool[N,T] return %r",
      "%0[@1, 0, @0]".replacing("%0", with: "%9"))
  }
}
