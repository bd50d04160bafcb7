import GraftFiles

/// The memory of one run of a plan; used again by the next.
final class Workspace {
  private let plan: Plan
  private let arena: NativeMemory
  private let scratch: NativeMemory
  private let pointers: UnsafeMutablePointer<UnsafeMutableRawPointer>

  init(_ plan: Plan, threads: Int, variables: VariableStore? = nil) {
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
      case .variable(let number):
        pointers[index] = variables?.start(of: plan.variables[number]) ?? NativeMemory.nothing
      case .input, .output, .window: break
      }
    }
  }

  deinit { pointers.deallocate() }

  /// Runs the plan on memory of the ports' sizes.
  ///
  /// - Parameters:
  ///   - inputs: the first byte of each input, aligned for its elements; it is only read.
  ///   - outputs: the first byte of each output.
  /// - Throws: ``NativeError`` for data that a kernel cannot take, ``NonFiniteResult`` when the result that is checked
  ///   is not finite.
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
      try runner.run(step, fromLast: plan.order.fromLast[index], on: pool)
      observer?(index)
      if let checked = plan.checked, checked.step == index, !isFinite(checked.view) { throw NonFiniteResult() }
    }
  }

  /// Whether a scalar is finite; one that is of no floating type is.
  private func isFinite(_ view: View) -> Bool {
    let start = pointers[view.buffer] + view.offset * view.dtype.byteWidth
    return switch view.dtype {
    case .float32: start.load(as: Float.self).isFinite
    case .float64: start.load(as: Double.self).isFinite
    default: true
    }
  }
}

/// The result that a run is watched for was not finite; variables are as they were.
package struct NonFiniteResult: Error {}
