import GraftIR

/// A step that runs other steps, which ones and how often depending on data. All of them work on the plan's buffers, so
/// that a loop allocates nothing.
protocol ControlStep: Step {
  func run(with runner: StepRunner, on pool: ThreadPool) throws
}

extension ControlStep {
  package var isControl: Bool { true }

  package func run(task: Int, in frame: borrowing TaskFrame) throws {
    throw NativeError("\(name) is run by its runner")
  }
}

/// Steps one after another, as one.
struct StepSequence: Sendable {
  let steps: [any Step]

  var reads: [View] { steps.flatMap(\.reads) }
  var writes: [View] { steps.flatMap(\.writes) }
  var flops: Int { steps.reduce(0) { $0 + $1.flops } }
  var scratchBytes: Int { steps.map(\.scratchBytes).max() ?? 0 }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    for step in steps { try runner.run(step, on: pool) }
  }
}

/// Runs one of two sequences, which write to the same results.
struct ConditionStep: ControlStep {
  /// One boolean.
  let condition: View
  let whenTrue: StepSequence
  let whenFalse: StepSequence

  var name: String { "cond" }
  var reads: [View] { [condition] + whenTrue.reads + whenFalse.reads }
  var writes: [View] { whenTrue.writes + whenFalse.writes }
  var flops: Int { max(whenTrue.flops, whenFalse.flops) }
  var scratchBytes: Int { max(whenTrue.scratchBytes, whenFalse.scratchBytes) }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    try (runner.isTrue(condition) ? whenTrue : whenFalse).run(with: runner, on: pool)
  }
}

/// Runs a body as long as a test of the state holds.
struct WhileStep: ControlStep {
  /// Writes `condition`, one boolean, from the state.
  let test: StepSequence
  let condition: View
  /// Computes the next state beside the state, and then copies it there.
  let body: StepSequence

  /// As many as nobody waits for.
  private static var limit: Int { 1 << 40 }

  var name: String { "while" }
  var reads: [View] { [condition] + test.reads + body.reads }
  var writes: [View] { test.writes + body.writes }
  var flops: Int { test.flops + body.flops }
  var scratchBytes: Int { max(test.scratchBytes, body.scratchBytes) }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    for _ in 0..<Self.limit {
      try test.run(with: runner, on: pool)
      guard runner.isTrue(condition) else { return }
      try body.run(with: runner, on: pool)
    }
    throw NativeError("a loop does not end")
  }
}

/// Runs a body for each position of the first axis of some sequences, and collects what it yields.
struct ScanStep: ControlStep {
  /// One position of a sequence, in memory of its own while the body works on it.
  struct Slot: Sendable {
    /// [count, ...]
    let sequence: View
    /// [...]
    let element: View
  }

  let count: Int
  let isReversed: Bool
  let inputs: [Slot]
  let outputs: [Slot]
  let body: StepSequence

  var name: String { "scan" }
  var reads: [View] { body.reads + inputs.map(\.sequence) + outputs.map(\.element) }
  var writes: [View] { body.writes + inputs.map(\.element) + outputs.map(\.sequence) }
  var flops: Int { count * body.flops }
  var scratchBytes: Int { body.scratchBytes }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    let loads = inputs.map { ($0, $0.copy(isLoad: true)) }
    let stores = outputs.map { ($0, $0.copy(isLoad: false)) }
    for step in 0..<count {
      let position = isReversed ? count - 1 - step : step
      for (slot, copy) in loads where slot.element.count > 0 {
        copy(runner.raw(slot.sequence) + slot.offset(of: position), runner.raw(slot.element))
      }
      try body.run(with: runner, on: pool)
      for (slot, copy) in stores where slot.element.count > 0 {
        copy(runner.raw(slot.element), runner.raw(slot.sequence) + slot.offset(of: position))
      }
    }
  }
}

extension ScanStep.Slot {
  /// Bytes from the sequence's start to a position.
  fileprivate func offset(of position: Int) -> Int { position * sequence.strides[0] * sequence.dtype.byteWidth }

  fileprivate func copy(isLoad: Bool) -> ElementCopy {
    let part = Array(sequence.strides.dropFirst())
    return ElementCopy(
      element.shape, from: isLoad ? part : element.strides, to: isLoad ? element.strides : part,
      width: element.dtype.byteWidth)
  }
}

extension StepRunner {
  func raw(_ view: View) -> UnsafeMutableRawPointer { buffers[view.buffer] + view.offset * view.dtype.byteWidth }

  /// The boolean that a view begins with.
  fileprivate func isTrue(_ view: View) -> Bool { raw(view).load(as: UInt8.self) != 0 }
}
