import Foundation
import NativeKernels
import Synchronization

/// Threads that share the tasks of one step at a time.
///
/// The calling thread works too. Workers wait in a short loop before they sleep, so that the steps of a plan follow each
/// other without a system call. Calls that run at the same time each keep to their own thread, which is less work than
/// sharing; no more of them run than the pool is wide.
package final class ThreadPool: Sendable {
  /// One caller and its workers.
  package let width: Int
  private let shared: Shared

  /// The pool of this process, as wide as the machine.
  package static let machine = ThreadPool(width: ProcessInfo.processInfo.activeProcessorCount)

  /// - Parameter width: the number of threads that work on a step, the caller among them; at least 1.
  package init(width: Int) {
    self.width = max(1, width)
    shared = Shared(threads: self.width)
    for worker in 1..<max(2, self.width) where self.width > 1 {
      let thread = Thread { [shared] in shared.work(as: worker) }
      thread.name = "graft worker \(worker)"
      thread.qualityOfService = .userInitiated
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// Runs a call of many steps. No more calls run at a time than the pool is wide, the others wait; and calls that run at
  /// the same time each keep to their own thread.
  package func call<Result>(_ body: () throws -> Result) rethrows -> Result {
    shared.enter(width)
    defer { shared.leave() }
    return try body()
  }

  /// Runs `body(task, thread)` for every task below `count`; `thread` is below ``width`` and no two tasks that run at the
  /// same time have the same. All have ended when this returns, though a worker may still hold on to `body`.
  ///
  /// A thread runs neighbouring tasks, the same ones each time if all are equally fast, so that it finds in its cache what
  /// it left there; `fromLast` says from which end on.
  package func run(
    _ count: Int, fromLast: Bool = false, _ body: @escaping @Sendable (_ task: Int, _ thread: Int) -> Void
  ) {
    guard width > 1, count > 1, !shared.isCrowded, shared.acquire() else {
      for task in 0..<count { body(fromLast ? count - 1 - task : task, 0) }
      return
    }
    defer { shared.release() }
    shared.share(count, fromLast: fromLast, body)
  }
}

/// What the caller and the workers see.
private final class Shared: Sendable {
  private struct State {
    var job: (@Sendable (Int, Int) -> Void)?
    var generation = 0
    var isStopping = false
  }

  private let isTaken = Atomic<Bool>(false)
  /// The number of the latest job; workers watch it.
  private let generation = Atomic<Int>(0)
  private let shares: TaskShares
  private let fromLast = Atomic<Bool>(false)
  /// Workers inside the latest job.
  private let active = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let state = Mutex(State())
  private let wake = NSCondition()

  /// How often a worker looks for a job before it sleeps; some tens of microseconds.
  private static let patience = 20_000

  /// Calls that run, and those that wait because there are as many as may.
  private let calls = Atomic<Int>(0)
  private let room = NSCondition()

  init(threads: Int) { shares = TaskShares(threads: threads) }

  var isCrowded: Bool { calls.load(ordering: .relaxed) > 1 }

  func enter(_ limit: Int) {
    if reserve(limit) { return }
    room.lock()
    defer { room.unlock() }
    while !reserve(limit) { room.wait() }
  }

  private func reserve(_ limit: Int) -> Bool {
    var current = calls.load(ordering: .relaxed)
    while current < limit {
      let attempt = calls.compareExchange(
        expected: current, desired: current + 1, ordering: .acquiringAndReleasing)
      if attempt.exchanged { return true }
      current = attempt.original
    }
    return false
  }

  func leave() {
    calls.subtract(1, ordering: .releasing)
    room.lock()
    room.signal()
    room.unlock()
  }

  func acquire() -> Bool {
    isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
  }

  func release() { isTaken.store(false, ordering: .releasing) }

  func stop() {
    state.withLock { $0.isStopping = true }
    announce()
  }

  private func announce() {
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      wake.lock()
      wake.broadcast()
      wake.unlock()
    }
  }

  func share(_ tasks: Int, fromLast: Bool, _ body: @escaping @Sendable (Int, Int) -> Void) {
    shares.fill(tasks)
    self.fromLast.store(fromLast, ordering: .relaxed)
    state.withLock { $0.job = body }
    announce()
    drain(body, thread: 0)
    // Those who have joined finish their task; those who have not, cannot any more.
    state.withLock { $0.job = nil }
    while active.load(ordering: .acquiring) > 0 { graft_pause() }
  }

  private func drain(_ body: (Int, Int) -> Void, thread: Int) {
    let fromLast = fromLast.load(ordering: .relaxed)
    while let task = shares.take(for: thread, fromLast: fromLast) { body(task, thread) }
  }

  func work(as thread: Int) {
    var seen = 0
    while true {
      seen = waitForJob(after: seen)
      let (job, isStopping) = state.withLock { state -> ((@Sendable (Int, Int) -> Void)?, Bool) in
        if state.job != nil { active.add(1, ordering: .acquiringAndReleasing) }
        return (state.job, state.isStopping)
      }
      if isStopping { return }
      guard let job else { continue }
      drain(job, thread: thread)
      active.subtract(1, ordering: .releasing)
    }
  }

  private func waitForJob(after seen: Int) -> Int {
    for _ in 0..<Self.patience {
      let latest = generation.load(ordering: .acquiring)
      if latest != seen { return latest }
      graft_pause()
    }
    wake.lock()
    defer { wake.unlock() }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      let latest = generation.load(ordering: .sequentiallyConsistent)
      if latest != seen { return latest }
      wake.wait()
    }
  }
}
