import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The temporary files that this process is writing, so that an interrupt can remove them.
package enum LiveTemporaryFiles {
  private static let paths = Mutex<Set<String>>([])
  private static let moves = Mutex<Void>(())

  static func insert(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Runs `body`, which moves files into place; an interrupt waits until all of them have been moved.
  static func whileMoving<Result>(_ body: () throws -> Result) rethrows -> Result {
    try moves.withLock { _ in try body() }
  }

  /// Removes the files and ends the process by `end`; nobody begins or moves a file meanwhile.
  package static func removeAll(andThen end: () -> Never) -> Never {
    moves.withLock { _ in
      paths.withLock { paths in
        for path in paths { unlink(path) }
        end()
      }
    }
  }
}
