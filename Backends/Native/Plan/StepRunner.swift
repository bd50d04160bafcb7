import Synchronization

/// Runs steps on given memory.
struct StepRunner {
  /// The start of each buffer of the plan.
  let buffers: UnsafeMutablePointer<UnsafeMutableRawPointer>
  /// `scratchBytes` for each thread of the pool.
  let scratch: UnsafeMutableRawPointer
  let scratchBytes: Int

  /// - Throws: the error of the first task that throws.
  func run(_ step: any Step, on pool: ThreadPool) throws {
    if step.isControl, let control = step as? any ControlStep { return try control.run(with: self, on: pool) }
    let tasks = step.taskCount
    if tasks == 1 {
      try step.run(task: 0, in: TaskFrame(buffers: UnsafePointer(buffers), scratch: scratch))
      return
    }
    nonisolated(unsafe) let memory = self
    let failure = Mutex<(any Error)?>(nil)
    pool.run(tasks) { task, thread in
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
