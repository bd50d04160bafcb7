import GraftFiles

/// What a plan computes once: packed weights, folded statistics, masks.
final class PreparedBuffers: Sendable {
  private let memory: [Int: NativeMemory]
  let byteCount: Int

  /// Runs `steps`, and keeps what is in `needed`; what only the steps read shares the memory of an arena meanwhile.
  init(
    _ buffers: [Buffer], _ steps: [any Step], keeping needed: Set<Int>, scratchBytes: Int, pool: ThreadPool
  ) throws {
    let written = Set(steps.flatMap(\.writes).map(\.buffer))
    memory = Dictionary(
      uniqueKeysWithValues: written.intersection(needed).map {
        ($0, NativeMemory(byteCount: buffers[$0].byteCount))
      })
    byteCount = memory.keys.reduce(0) { $0 + buffers[$1].byteCount }

    let passing = PlacedBuffers(buffers, steps) { written.contains($0) && !needed.contains($0) }
    let arena = NativeMemory(byteCount: passing.byteCount)
    var pointers = buffers.indices.map { index -> UnsafeMutableRawPointer in
      if let kept = memory[index] { return kept.start }
      if let offset = passing.offsets[index] { return arena.start + offset }
      if case .tensor(let tensor) = buffers[index].kind { return tensor.startOfBytes }
      return NativeMemory.nothing
    }
    let scratch = NativeMemory(byteCount: scratchBytes * pool.width)
    try pointers.withUnsafeMutableBufferPointer { pointers in
      guard let base = pointers.baseAddress else { return }
      let runner = StepRunner(buffers: base, scratch: scratch.start, scratchBytes: scratchBytes)
      for step in steps {
        try runner.run(step, fromLast: false, on: pool)
        // What was packed from a mapped file would otherwise be in memory twice.
        for view in step.reads {
          if case .tensor(let tensor) = buffers[view.buffer].kind { tensor.letGo() }
        }
      }
    }
    withExtendedLifetime((arena, scratch)) {}
  }

  /// The start of a kept buffer.
  func start(of buffer: Int) -> UnsafeMutableRawPointer { memory[buffer]?.start ?? NativeMemory.nothing }
}
