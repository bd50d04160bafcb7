/// Elementwise work of several results over the same elements: each stretch goes through all of it while it is in the
/// cache.
struct ChainGroupStep: Step {
  let programs: [ChainProgram]
  let kernels: VectorKernels
  nonisolated(unsafe) private let codes: UnsafeBufferPointer<ChainCode>
  private let memory: ChainMemory
  private let count: Int

  /// More would not stay in the second-level cache together.
  private static let limit = 8
  /// Elements that go through all programs while they are in the first-level cache.
  private static let stretch = 2 * ChainProgram.blockLength
  private static let grain = 8 * stretch

  var name: String { "elementwise x\(programs.reduce(0) { $0 + max($1.length, 1) }) to \(programs.count)" }
  var reads: [View] { programs.flatMap { $0.sources.map(\.view) } }
  var writes: [View] { programs.map(\.target.view) }
  var flops: Int { programs.reduce(0) { $0 + $1.count * $1.length } }
  var scratchBytes: Int { codes.reduce(0) { $0 + $1.scratchBytes } }
  var taskCount: Int { max(1, (count + Self.grain - 1) / Self.grain) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let range = task * Self.grain..<min((task + 1) * Self.grain, count)
    each(in: frame) { code, frame in code.prepare(in: frame) }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.stretch) {
      let stretch = start..<min(start + Self.stretch, range.upperBound)
      each(in: frame) { code, frame in code.runPrepared(stretch, in: frame) }
    }
  }

  /// Each program's code with scratch memory of its own.
  private func each(in frame: borrowing TaskFrame, _ body: (ChainCode, borrowing TaskFrame) -> Void) {
    var offset = 0
    for code in codes {
      body(code, TaskFrame(buffers: frame.buffers, scratch: frame.scratch + offset))
      offset += code.scratchBytes
    }
  }
}

extension ChainGroupStep {
  /// Both in one; nil where elements of the second depend on other elements of the first than those at their own places,
  /// or the other way around.
  ///
  /// - Parameter memory: what tells whether two buffers are the same memory.
  init?(_ first: any Step, then second: ChainStep, memory: (View) -> StepFusion.Memory) {
    let programs: [ChainProgram]
    switch first {
    case let step as ChainStep: programs = [step.program, second.program]
    case let step as ChainGroupStep: programs = step.programs + [second.program]
    default: return nil
    }
    let own = second.program
    guard programs.count <= Self.limit, programs.allSatisfy({ $0.count == own.count }) else { return nil }
    for other in programs.dropLast() {
      let written = [other.target, own.target].map { memory($0.view) }
      for a in other.leaves {
        for b in own.leaves where memory(a.view) == memory(b.view) && written.contains(memory(a.view)) {
          guard a.isDense(along: other.extents), b.isDense(along: own.extents), a.view.offset == b.view.offset,
            a.width == b.width
          else { return nil }
        }
      }
    }
    let memory = ChainMemory()
    codes = memory.keep(programs.map { ChainCode($0, second.kernels, in: memory) }).elements
    (self.programs, self.memory, kernels, count) = (programs, memory, second.kernels, own.count)
  }
}

extension ChainProgram {
  var leaves: [ChainLeaf] { sources + [target] }
}

extension ChainLeaf {
  /// Whether the elements of an iteration over `extents` lie next to each other.
  fileprivate func isDense(along extents: [Int]) -> Bool {
    var expected = width
    for (extent, stride) in zip(extents, strides).reversed() where extent != 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return true
  }
}
