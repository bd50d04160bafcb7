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
  private let order: TaskOrder

  init(steps: [any Step]) {
    self.steps = steps
    order = TaskOrder(steps)
  }

  var reads: [View] { steps.flatMap(\.reads) }
  var writes: [View] { steps.flatMap(\.writes) }
  var flops: Int { steps.reduce(0) { $0 + $1.flops } }
  var scratchBytes: Int { steps.map(\.scratchBytes).max() ?? 0 }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    for (step, fromLast) in zip(steps, order.fromLast) { try runner.run(step, fromLast: fromLast, on: pool) }
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
    var runner = runner
    for step in 0..<Self.limit {
      runner.isTurned = step % 2 != 0
      try test.run(with: runner, on: pool)
      guard runner.isTrue(condition) else { return }
      try body.run(with: runner, on: pool)
    }
    throw NativeError("a loop does not end")
  }
}

/// Runs a body for each position of the first axis of some sequences, and collects what it yields.
struct ScanStep: ControlStep {
  /// A sequence, and the window on one of its positions that the body works on.
  struct Slot: Sendable {
    /// [count, ...]
    let sequence: View
    /// [...], the whole of its buffer.
    let element: View
  }

  let count: Int
  let isReversed: Bool
  let inputs: [Slot]
  let outputs: [Slot]
  let body: StepSequence

  var name: String { "scan" }
  var reads: [View] { beyondWindows(body.reads) + inputs.map(\.sequence) }
  var writes: [View] { beyondWindows(body.writes) + outputs.map(\.sequence) }
  var flops: Int { count * body.flops }
  var scratchBytes: Int { body.scratchBytes }

  /// The views that are not seen through a window.
  private func beyondWindows(_ views: [View]) -> [View] {
    let windows = Set((inputs + outputs).map(\.element.buffer))
    return views.filter { !windows.contains($0.buffer) }
  }

  func run(with runner: StepRunner, on pool: ThreadPool) throws {
    var runner = runner
    for step in 0..<count {
      runner.isTurned = step % 2 != 0
      let position = isReversed ? count - 1 - step : step
      for slot in inputs + outputs {
        runner.buffers[slot.element.buffer] = runner.raw(slot.sequence) + slot.offset(of: position)
      }
      try body.run(with: runner, on: pool)
    }
  }
}

extension ScanStep.Slot {
  /// Bytes from the sequence's start to a position.
  fileprivate func offset(of position: Int) -> Int { position * sequence.strides[0] * sequence.dtype.byteWidth }
}

extension StepRunner {
  func raw(_ view: View) -> UnsafeMutableRawPointer { buffers[view.buffer] + view.offset * view.dtype.byteWidth }

  /// The boolean that a view begins with.
  fileprivate func isTrue(_ view: View) -> Bool { raw(view).load(as: UInt8.self) != 0 }
}
