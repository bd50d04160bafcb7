internal import CPython
internal import Foundation

/// The one thread on which Python runs: the executor of `PythonRuntime`.
///
/// It holds Python's global lock only inside `withLock`, so that Python's own threads run while it is idle.
final class PythonThread: SerialExecutor, @unchecked Sendable {
  /// Tracers recurse deeply, in C as well; only what is touched is ever committed.
  static let stackSize = 512 << 20

  private enum Work {
    case job(UnownedJob)
    case release(UnsafeMutablePointer<Py_buffer>)
  }

  private let condition = NSCondition()
  private var pending: [Work] = []
  /// Python's state of this thread while it does not hold the lock; touched by this thread only.
  private var saved: OpaquePointer?

  init() {
    let thread = Thread { [self] in run() }
    thread.name = "graft.python"
    thread.stackSize = Self.stackSize
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    add(.job(UnownedJob(job)))
  }

  /// Releases `view`, which PyObject_GetBuffer filled, and frees it. From any thread.
  func release(_ view: UnsafeMutablePointer<Py_buffer>) {
    add(.release(view))
  }

  /// Lets go of the lock that the start of the interpreter left with this thread. On this thread only.
  func didStart() {
    saved = cpython().pointee.PyEval_SaveThread()
  }

  /// Runs `body` with Python's lock held. On this thread only, and not nested.
  func withLock<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
    cpython().pointee.PyEval_RestoreThread(saved)
    defer { saved = cpython().pointee.PyEval_SaveThread() }
    return try body()
  }

  private func add(_ work: Work) {
    condition.lock()
    pending.append(work)
    condition.signal()
    condition.unlock()
  }

  private func run() {
    while true {
      condition.lock()
      while pending.isEmpty { condition.wait() }
      let batch = pending
      pending = []
      condition.unlock()
      for work in batch {
        switch work {
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        case .release(let view):
          withLock { cpython().pointee.PyBuffer_Release(view) }
          view.deallocate()
        }
      }
    }
  }
}
