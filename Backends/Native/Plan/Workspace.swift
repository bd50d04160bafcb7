import GraftFiles

/// The memory of one run of a plan; used again by the next.
final class Workspace {
  private let plan: Plan
  private let arena: NativeMemory
  private let scratch: NativeMemory
  private let pointers: UnsafeMutablePointer<UnsafeMutableRawPointer>

  init(_ plan: Plan, threads: Int) {
    self.plan = plan
    arena = NativeMemory(byteCount: plan.arenaBytes)
    scratch = NativeMemory(byteCount: plan.scratchBytes * threads)
    pointers = .allocate(capacity: max(plan.buffers.count, 1))
    pointers.initialize(repeating: NativeMemory.nothing, count: plan.buffers.count)
    for (index, buffer) in plan.buffers.enumerated() {
      switch buffer.kind {
      case .temporary: pointers[index] = arena.start + plan.offsets[index]
      case .tensor(let tensor): pointers[index] = tensor.startOfBytes
      case .prepared: pointers[index] = plan.prepared.start(of: index)
      case .input, .output: break
      }
    }
  }

  deinit { pointers.deallocate() }

  /// Runs the plan on memory of the ports' sizes.
  ///
  /// - Parameters:
  ///   - inputs: the first byte of each input, aligned for its elements; it is only read.
  ///   - outputs: the first byte of each output.
  /// - Throws: ``NativeError`` for data that a kernel cannot take.
  func run(
    inputs: [UnsafeRawPointer], outputs: [UnsafeMutableRawPointer], on pool: ThreadPool,
    observing observer: ((Int) -> Void)? = nil
  ) throws {
    for (port, pointer) in zip(plan.inputs, inputs) {
      pointers[port.view.buffer] = UnsafeMutableRawPointer(mutating: pointer)
    }
    for (port, pointer) in zip(plan.outputs, outputs) { pointers[port.view.buffer] = pointer }
    let runner = StepRunner(buffers: pointers, scratch: scratch.start, scratchBytes: plan.scratchBytes)
    for (index, step) in plan.steps.enumerated() {
      try runner.run(step, on: pool)
      observer?(index)
    }
  }
}
