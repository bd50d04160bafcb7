import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

@Suite struct ArenaLayoutTests {
  @Test(arguments: 1...20) func buffersThatLiveTogetherLieApart(_ seed: Int) {
    var random = SeededBits(seed: UInt64(seed))
    let lifetimes = (0..<40).map { _ in
      let start = Int.random(in: 0..<30, using: &random)
      return ArenaLayout.Lifetime(
        byteCount: Int.random(in: 0...900, using: &random), steps: start...start + Int.random(in: 0..<9, using: &random)
      )
    }
    let layout = ArenaLayout(lifetimes)
    for a in lifetimes.indices {
      #expect(layout.offsets[a] % ArenaLayout.alignment == 0)
      #expect(layout.offsets[a] + lifetimes[a].byteCount <= layout.byteCount)
      for b in lifetimes.indices where a < b && lifetimes[a].steps.overlaps(lifetimes[b].steps) {
        let (first, second) = layout.offsets[a] <= layout.offsets[b] ? (a, b) : (b, a)
        #expect(
          layout.offsets[first] + lifetimes[first].byteCount <= layout.offsets[second]
            || lifetimes[second].byteCount == 0)
      }
    }
  }

  @Test func buffersOneAfterAnotherShareMemory() {
    let lifetimes = (0..<10).map { ArenaLayout.Lifetime(byteCount: 4096, steps: $0...$0) }
    #expect(ArenaLayout(lifetimes).byteCount == 4096)
  }
}

@Suite struct PlacedBuffersTests {
  /// Copies nothing; says what it would.
  private struct Link: Step {
    var from: Int, to: Int
    var name: String { "link" }
    var reads: [View] { [View(buffer: from, dtype: .float32, shape: [64], strides: [1])] }
    var writes: [View] { [View(buffer: to, dtype: .float32, shape: [64], strides: [1])] }
    func run(task: Int, in frame: borrowing TaskFrame) {}
  }

  @Test func aChainNeedsTwoPlaces() {
    let buffers = (0..<10).map { _ in Buffer(kind: .temporary, byteCount: 256) }
    let steps = (0..<9).map { Link(from: $0, to: $0 + 1) }
    let placed = PlacedBuffers(buffers, steps) { $0 < 8 }
    #expect(placed.byteCount == 512)
    #expect(placed.offsets.keys.sorted() == Array(0..<8))
    #expect((0..<7).allSatisfy { placed.offsets[$0] != placed.offsets[$0 + 1] })
  }
}

@Suite struct NativeProgramTests {
  /// y = relu(x @ w + b) + x for x [N, 3].
  private static let text = """
    function layer "a layer"
    symbols {
      N: 1... sizes [2, 3]
    }
    arguments {
      %x.0: f32[N,3] = input #0
      %w.1: f32[3,3] = parameter "w"
      %b.2: f32[3] = parameter "b"
    }
    inputs {"x": #0} names ["x"]
    outputs #0
    body {
      %3 = matmul(%x.0, %w.1) : f32[N,3]
      %4 = add(%3, %b.2) : f32[N,3]
      %5 = relu(%4) : f32[N,3]
      %6 = add(%5, %x.0) : f32[N,3]
      return %6
    }
    """

  private func program(_ pool: ThreadPool = ThreadPool(width: 2)) throws -> NativeProgram {
    let weights = try TensorData(shape: [3, 3], elements: [1, 0, 0, 0, -1, 0, 0, 0, 2] as [Float])
    let bias = try TensorData(shape: [3], elements: [0.5, 0, -1] as [Float])
    return try NativeProgram(IRParser.parse(Self.text), kernels: NativeKernelSet(.baseline), pool: pool) { argument in
      argument.path == "w" ? weights : bias
    }
  }

  @Test func computesALayerInOneKernel() throws {
    let program = try program()
    let x = try TensorData(shape: [2, 3], elements: [1, 2, 3, -4, -5, -6] as [Float])
    let y = try program.run([x])[0].withElements(of: Float.self) { Array($0) }
    #expect(y == [2.5, 2, 8, -4, 0, -6])
    #expect(try program.plan(for: [[2, 3]]).steps.map(\.name) == ["matmul+bias+residual+relu"])
  }

  @Test func plansEachSizeOnce() throws {
    let program = try program()
    for count in [1, 4, 1] {
      let x = try TensorData(shape: [count, 3], elements: Array(repeating: Float(1), count: 3 * count))
      #expect(try program.run([x])[0].shape == [count, 3])
    }
  }

  @Test func manyCallersAtOnceGetTheirOwnResults() async throws {
    let program = try program()
    try await withThrowingTaskGroup { group in
      for number in 0..<8 {
        group.addTask {
          for _ in 0..<100 {
            let x = try TensorData(shape: [1, 3], elements: Array(repeating: Float(number), count: 3))
            let y = try program.run([x])[0].withElements(of: Float.self) { Array($0) }
            let n = Float(number)
            #expect(y == [2 * n + 0.5, n, n + max(2 * n - 1, 0)])
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func inputsThatDoNotFitAreNamed() throws {
    let program = try program()
    func message(_ shape: [Int], _ dtype: DType) throws -> String {
      let tensor = try TensorData(dtype: dtype, shape: shape) { _ in }
      return try #require(throws: Diagnostic.self) { try program.run([tensor]) }.message
    }
    #expect(try message([2, 4], .float32) == "input `x` must be f32[N,3], and is shape [2, 4]")
    #expect(try message([3], .float32) == "input `x` must be f32[N,3], and is shape [3]")
    #expect(try message([2, 3], .int64) == "input `x` must be f32[N,3], and is a tensor of int64")
    #expect(try message([0, 3], .float32) == "the size N is 0, and must be at least 1")
    #expect(throws: Diagnostic.self) { try program.run([]) }
  }
}

@Suite struct OutputMemoryTests {
  private static let text = "%y.1 = negative(%x0.0) : f32[20000]"

  private func input(_ value: Float) throws -> TensorData {
    try TensorData(shape: [20_000], elements: [Float](repeating: value, count: 20_000))
  }

  private func address(_ results: [TensorData]) -> UnsafeRawPointer? {
    results[0].withUnsafeBytes { $0.baseAddress }
  }

  @Test func heldResultsStayAndOthersMemoryIsUsedAgain() throws {
    let program = try NativeProgram.forTests(NativeText.function(Self.text, returning: "%y.1", [input(0)]))
    let held = try program.run([input(1)])
    let first = try address(program.run([input(2)]))
    let second = try address(program.run([input(3)]))
    #expect(first == second)
    #expect(address(held) != second)
    #expect(try held[0].withElements(of: Float.self) { $0.allSatisfy { $0 == -1 } })
  }

  @Test func noMoreIsKeptThanTheResultsOfACall() {
    let memory = OutputMemory()
    let taken = (0..<4).flatMap { _ in memory.take([1 << 17, 1 << 18]) }
    #expect(Set(taken.map(\.start)).count == 8)
    for one in taken { memory.giveBack(one) }
    let last = taken.suffix(2).map(\.start)
    #expect(memory.take([1 << 17, 1 << 18]).map(\.start) == last)
    let held = Set(taken.map(\.start))
    withExtendedLifetime(taken) { #expect(memory.take([1 << 18]).allSatisfy { !held.contains($0.start) }) }
  }
}
