import GraftFiles

/// What a plan computes once: packed weights, folded statistics, masks.
final class PreparedBuffers: Sendable {
  private let memory: [Int: NativeMemory]
  let byteCount: Int

  /// Runs `steps`, and keeps what is in `needed`.
  init(
    _ buffers: [Buffer], _ steps: [any Step], keeping needed: Set<Int>, scratchBytes: Int, pool: ThreadPool
  ) throws {
    var memory: [Int: NativeMemory] = [:]
    for step in steps {
      for view in step.writes where memory[view.buffer] == nil {
        memory[view.buffer] = NativeMemory(byteCount: buffers[view.buffer].byteCount)
      }
    }
    var pointers = buffers.indices.map { index -> UnsafeMutableRawPointer in
      if let own = memory[index] { return own.start }
      if case .tensor(let tensor) = buffers[index].kind { return tensor.startOfBytes }
      return NativeMemory.nothing
    }
    let scratch = NativeMemory(byteCount: scratchBytes * pool.width)
    try pointers.withUnsafeMutableBufferPointer { pointers in
      guard let base = pointers.baseAddress else { return }
      for step in steps {
        try StepRunner(buffers: base, scratch: scratch.start, scratchBytes: scratchBytes).run(
          step, fromLast: false, on: pool)
        // What was packed from a mapped file would otherwise be in memory twice.
        for view in step.reads {
          if case .tensor(let tensor) = buffers[view.buffer].kind { tensor.letGo() }
        }
      }
    }
    self.memory = memory.filter { needed.contains($0.key) }
    byteCount = self.memory.keys.reduce(0) { $0 + buffers[$1].byteCount }
  }

  /// The start of a kept buffer.
  func start(of buffer: Int) -> UnsafeMutableRawPointer { memory[buffer]?.start ?? NativeMemory.nothing }
}
