/// Elementwise work of several results over the same elements: each stretch goes through all of it while it is in the
/// cache.
struct ChainGroupStep: Step {
  let programs: [ChainProgram]
  let kernels: VectorKernels

  /// More would not stay in the second-level cache together.
  private static let limit = 8

  var name: String { "elementwise x\(programs.reduce(0) { $0 + max($1.length, 1) }) to \(programs.count)" }
  var reads: [View] { programs.flatMap { $0.sources.map(\.view) } }
  var writes: [View] { programs.map(\.target.view) }
  var flops: Int { programs.reduce(0) { $0 + $1.count * $1.length } }
  var scratchBytes: Int { programs.map(\.scratchBytes).max() ?? 0 }
  private var count: Int { programs.first?.count ?? 0 }
  private static let grain = 4 * ChainProgram.blockLength

  var taskCount: Int { max(1, (count + Self.grain - 1) / Self.grain) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let start = task * Self.grain
    for program in programs { program.run(start..<min(start + Self.grain, count), in: frame, kernels) }
  }
}

extension ChainGroupStep {
  /// Both in one; nil where elements of the second depend on other elements of the first than those at their own places,
  /// or the other way around.
  ///
  /// - Parameter memory: what tells whether two buffers are the same memory.
  init?(_ first: any Step, then second: ChainStep, memory: (View) -> StepFusion.Memory) {
    switch first {
    case let step as ChainStep: programs = [step.program, second.program]
    case let step as ChainGroupStep: programs = step.programs + [second.program]
    default: return nil
    }
    kernels = second.kernels
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
