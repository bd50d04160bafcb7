import Synchronization

/// The tasks of a job, shared out among threads: each begins with as many neighbours as the others and, when it has run
/// them, takes over what others have not come to.
final class TaskShares: Sendable {
  /// The tasks of one thread that nobody has taken: the first in the lower half, the end in the upper one. It has a cache
  /// line for itself, and the one that is fetched with it.
  private struct Share: ~Copyable {
    let tasks = Atomic<UInt64>(0)
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
    private let neighbour: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

    func takeOne(fromLast: Bool) -> Int? {
      var current = tasks.load(ordering: .relaxed)
      while true {
        let (first, end) = (Int(current & 0xffff_ffff), Int(current >> 32))
        guard first < end else { return nil }
        let rest = fromLast ? TaskShares.pack(first, end - 1) : TaskShares.pack(first + 1, end)
        let attempt = tasks.compareExchange(expected: current, desired: rest, ordering: .relaxed)
        if attempt.exchanged { return fromLast ? end - 1 : first }
        current = attempt.original
      }
    }
  }

  private let threads: Int
  nonisolated(unsafe) private let shares: UnsafeMutablePointer<Share>

  init(threads: Int) {
    self.threads = threads
    shares = .allocate(capacity: threads)
    for thread in 0..<threads { (shares + thread).initialize(to: Share()) }
  }

  deinit {
    shares.deinitialize(count: threads)
    shares.deallocate()
  }

  /// Shares out the tasks below `count`; nobody takes any meanwhile.
  func fill(_ count: Int) {
    for thread in 0..<threads {
      let (first, end) = (count * thread / threads, count * (thread + 1) / threads)
      shares[thread].tasks.store(Self.pack(first, end), ordering: .relaxed)
    }
  }

  /// A task that nobody has taken: of the thread's own share the first, or the last if `fromLast`; then from the other end
  /// of another's. Nil when there is none.
  func take(for thread: Int, fromLast: Bool) -> Int? {
    if let task = shares[thread].takeOne(fromLast: fromLast) { return task }
    for distance in 1..<max(threads, 2) {
      let other = (thread + distance) % threads
      if let task = shares[other].takeOne(fromLast: !fromLast) { return task }
    }
    return nil
  }

  private static func pack(_ first: Int, _ end: Int) -> UInt64 { UInt64(first) | UInt64(end) << 32 }
}
