import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

/// Ops with regions.
@Suite struct ControlFlowTests {
  private func floats(_ tensor: TensorData) throws -> [Float] { try tensor.withElements(of: Float.self) { Array($0) } }

  private func tensor(_ numbers: [Float], _ shape: [Int]? = nil) throws -> TensorData {
    try TensorData(shape: shape ?? [numbers.count], elements: numbers)
  }

  @Test(arguments: [true, false]) func oneBranchRuns(_ isTrue: Bool) throws {
    let body = """
      %big.2 = exp(%x0.0) : f32[2]
      %y.9 = cond(%x1.1) {
        %a.3 = add(%big.2, %x0.0) : f32[2]
        return %a.3
      } {
        %b.4 = negative(%big.2) : f32[2]
        return %b.4
      } : f32[2]
      %z.10 = add(%y.9, %big.2) : f32[2]
      """
    let condition = try TensorData(shape: [], elements: [UInt8(isTrue ? 1 : 0)], dtype: .bool)
    let results = try NativeText.run(body, returning: "%z.10", [tensor([0, 0]), condition])
    #expect(try floats(results[0]) == (isTrue ? [2, 2] : [0, 0]))
  }

  /// Powers of two of a state until it is above the limit, and how many.
  @Test(arguments: [(1, 6), (70, 0), (-5, 0)] as [(Float, Int64)])
  func aLoopRunsAsLongAsItsTestHolds(_ start: Float, _ count: Int64) throws {
    let body = """
      %zero.2 = full {dtype = i64, shape = [], value = 0} : i64[]
      %y.9, %n.10 = while([%x0.0, %zero.2]) { (%s.3: f32[1], %i.4: i64[])
        %t.5 = sum(%s.3) {axes = [0]} : f32[]
        %low.6 = less(%t.5, 64.0) : bool[]
        %high.7 = greater(%t.5, 0.0) : bool[]
        %go.8 = bitwise_and(%low.6, %high.7) : bool[]
        return %go.8
      } { (%s.11: f32[1], %i.12: i64[])
        %d.13 = add(%s.11, %s.11) : f32[1]
        %j.14 = add(%i.12, 1) : i64[]
        return %d.13, %j.14
      } : f32[1], i64[]
      """
    for threads in [1, 3] {
      let results = try NativeText.run(body, returning: "%y.9, %n.10", [tensor([start])], threads: threads)
      #expect(try results[1].withElements(of: Int64.self) { Array($0) } == [count])
      #expect(try floats(results[0]) == [start * Float(1 << count)])
    }
  }

  /// The state of a recurrence s = x_t - w @ s, with its history, in either direction.
  @Test(arguments: [false, true]) func aScanCarriesItsStateAlong(_ isReversed: Bool) throws {
    let body = """
      %last.9, %all.10 = scan([%x0.0], [%x1.1]) {count = 3, reverse = \(isReversed)} { (%s.3: f32[2], %e.4: f32[2])
        %p.5 = matmul(%x2.2, %s.3) : f32[2]
        %n.6 = subtract(%e.4, %p.5) : f32[2]
        return %n.6, %n.6
      } : f32[2], f32[3,2]
      """
    let sequence: [[Float]] = [[1, 2], [3, 4], [5, 6]]
    let results = try NativeText.run(
      body, returning: "%last.9, %all.10",
      [tensor([1, -1]), tensor(sequence.flatMap { $0 }, [3, 2]), tensor([1, 2, 0, 1], [2, 2])])
    var (state, history): ([Float], [[Float]]) = ([1, -1], [[], [], []])
    for position in isReversed ? [2, 1, 0] : [0, 1, 2] {
      let x = sequence[position]
      state = [x[0] - (state[0] + 2 * state[1]), x[1] - state[1]]
      history[position] = state
    }
    #expect(try floats(results[0]) == state)
    #expect(try floats(results[1]) == history.flatMap { $0 })
  }

  /// A body sees each position where it lies, in whatever order its elements are.
  @Test func sequencesMayBeViews() throws {
    let body = """
      %t.3 = transpose(%x1.1) {permutation = [1, 0, 2]} : f32[3,2,2]
      %f.4 = flip(%t.3) {axes = [0, 2]} : f32[3,2,2]
      %last.9, %all.10 = scan([%x0.0], [%t.3, %f.4]) {count = 3} { (%s.5: f32[2,2], %e.6: f32[2,2], %g.7: f32[2,2])
        %p.8 = matmul(%e.6, %s.5) : f32[2,2]
        %n.11 = add(%p.8, %g.7) : f32[2,2]
        return %n.11, %n.11
      } : f32[2,2], f32[3,2,2]
      """
    let x = (0..<12).map { Float($0 % 5) - 2 }
    func element(_ position: Int, _ row: Int, _ column: Int) -> Float { x[row * 6 + position * 2 + column] }
    for threads in [1, 3] {
      let results = try NativeText.run(
        body, returning: "%last.9, %all.10", [tensor([1, -1, 2, 0], [2, 2]), tensor(x, [2, 3, 2])], threads: threads)
      var (state, history): ([Float], [Float]) = ([1, -1, 2, 0], [])
      for position in 0..<3 {
        let before = state
        for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          let product = element(position, row, 0) * before[column] + element(position, row, 1) * before[2 + column]
          state[row * 2 + column] = product + element(2 - position, row, 1 - column)
        }
        history += state
      }
      #expect(try floats(results[0]) == state)
      #expect(try floats(results[1]) == history)
    }
  }

  @Test func loopsThatStartAlikeDoNotShareTheirStates() throws {
    let body = """
      %zero.2 = full {dtype = f32, shape = [1], value = 0} : f32[1]
      %a.8 = scan([%zero.2], [%x0.0]) {count = 2} { (%s.3: f32[1], %e.4: f32[1])
        %n.5 = add(%s.3, %e.4) : f32[1]
        return %n.5
      } : f32[1]
      %b.9 = scan([%zero.2], [%x1.1]) {count = 2} { (%t.10: f32[1], %f.11: f32[1])
        %m.12 = add(%t.10, %f.11) : f32[1]
        return %m.12
      } : f32[1]
      """
    let results = try NativeText.run(
      body, returning: "%a.8, %b.9", [tensor([1, 2], [2, 1]), tensor([10, 20], [2, 1])])
    #expect(try results.map(floats) == [[3], [30]])
  }

  /// The sum of the products of each element with itself.
  @Test func aScanAddsUpProducts() throws {
    let body = """
      %sum.9 = scan([%x0.0], [%x1.1]) {count = 3} { (%s.3: f32[2,2], %e.4: f32[2])
        %column.5 = reshape(%e.4) {shape = [2, 1]} : f32[2,1]
        %row.6 = reshape(%e.4) {shape = [1, 2]} : f32[1,2]
        %p.7 = matmul(%column.5, %row.6) : f32[2,2]
        %n.8 = add(%s.3, %p.7) : f32[2,2]
        return %n.8
      } : f32[2,2]
      """
    let inputs = [try tensor([1, 2, 3, 4], [2, 2]), try tensor([1, 2, 3, 4, 5, 6], [3, 2])]
    let wide = try inputs.map { try $0.converted(to: .float64) }
    for isDouble in [false, true] {
      let text = isDouble ? body.replacing("f32", with: "f64") : body
      let results = try NativeText.run(text, returning: "%sum.9", isDouble ? wide : inputs)
      #expect(try floats(results[0].converted(to: .float32)) == [36, 46, 47, 60])
    }
  }

  @Test func errorsInARegionEndIt() throws {
    let body = """
      %y.9 = scan([%x0.0], [%x1.1]) {count = 2} { (%s.3: f32[2], %e.4: i64[1])
        %p.5 = index(%s.3, [%e.4]) {axes = [0]} : f32[1]
        %n.6 = broadcast_to(%p.5) {shape = [2]} : f32[2]
        return %n.6
      } : f32[2]
      """
    let indices = try TensorData(shape: [2, 1], elements: [1, 7] as [Int64])
    #expect(throws: NativeError.self) { try NativeText.run(body, returning: "%y.9", [tensor([1, 2]), indices]) }
  }

  @Test func regionsThatDoNotFitAreRefused() throws {
    let body = """
      %y.9 = while([%x0.0]) { (%s.3: f32[2])
        %go.8 = full {dtype = bool, shape = [], value = false} : bool[]
        return %go.8
      } { (%s.11: f32[2])
        %d.13 = sum(%s.11) {axes = [0]} : f32[]
        return %d.13
      } : f32[2]
      """
    #expect(throws: Diagnostic.self) { try NativeText.run(body, returning: "%y.9", [tensor([1, 2])]) }
  }
}
