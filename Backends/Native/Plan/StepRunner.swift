import Synchronization

/// Runs steps on given memory.
struct StepRunner {
  /// The start of each buffer of the plan.
  let buffers: UnsafeMutablePointer<UnsafeMutableRawPointer>
  /// `scratchBytes` for each thread of the pool.
  let scratch: UnsafeMutableRawPointer
  let scratchBytes: Int
  /// Whether tasks run in the order that is opposite to the planned one, as every second time in a loop: for what a body
  /// touches again and again, the end is where it begins.
  var isTurned = false

  /// Runs a step, its last task first if `fromLast`.
  ///
  /// - Throws: the error of the first task that throws.
  func run(_ step: any Step, fromLast: Bool, on pool: ThreadPool) throws {
    if step.isControl, let control = step as? any ControlStep { return try control.run(with: self, on: pool) }
    let tasks = step.taskCount
    if tasks == 1 {
      try step.run(task: 0, in: TaskFrame(buffers: UnsafePointer(buffers), scratch: scratch))
      return
    }
    nonisolated(unsafe) let memory = self
    let failure = Mutex<(any Error)?>(nil)
    pool.run(tasks, fromLast: fromLast != isTurned) { task, thread in
      do {
        let frame = TaskFrame(
          buffers: UnsafePointer(memory.buffers), scratch: memory.scratch + thread * memory.scratchBytes)
        try step.run(task: task, in: frame)
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
