internal import Dispatch
internal import Foundation

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Runs a program to its end, in a process group of its own.
///
/// Foundation's `Process` learns of an exit only when every descendant is gone, so that a program that leaves one
/// behind could not be given a time limit.
enum Subprocess {
  struct Outcome: Sendable {
    /// False when it was killed because its time was over.
    var finished: Bool
    /// The exit status, or 128 plus the signal's number.
    var status: Int32
    var output: Data
    var error: Data
  }

  /// What is kept of each stream; the rest is read and dropped.
  private static let capacity = 1 << 20

  /// - Throws: `POSIXError` when the program cannot be started.
  static func run(
    _ executable: String, arguments: [String], environment: [String: String], timeout: Duration
  ) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result {
            var output = try Stream()
            defer { output.close() }
            var error = try Stream()
            defer { error.close() }
            let process = try spawn(
              executable, arguments: arguments, environment: environment, output: output, error: error)
            output.closeWritingEnd()
            error.closeWritingEnd()
            return wait(for: process, output: &output, error: &error, timeout: timeout)
          })
      }
    }
  }

  private static func spawn(
    _ executable: String, arguments: [String], environment: [String: String], output: Stream, error: Stream
  ) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error.writing, STDERR_FILENO)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

    let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    var argumentPointers = ([executable] + arguments).map { strdup($0) } + [nil]
    var variablePointers = variables.map { strdup($0) } + [nil]
    defer { for pointer in argumentPointers + variablePointers { free(pointer) } }
    var process = pid_t()
    let code = posix_spawn(&process, executable, &actions, &attributes, &argumentPointers, &variablePointers)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return process
  }

  private static func wait(
    for process: pid_t, output: inout Stream, error: inout Stream, timeout: Duration
  ) -> Outcome {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    var status: Int32 = 0
    var finished = true
    while waitpid(process, &status, WNOHANG) == 0 {
      var waiting = [output.reading, error.reading].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let hasData =
        poll(&waiting, nfds_t(waiting.count), 10) > 0 && waiting.contains { $0.revents & Int16(POLLIN) != 0 }
      if hasData {
        output.readWhatThereIs(capacity: capacity)
        error.readWhatThereIs(capacity: capacity)
      } else {
        usleep(2000)
      }
      if clock.now > deadline {
        finished = false
        kill(-process, SIGKILL)
        waitpid(process, &status, 0)
        break
      }
    }
    output.readWhatThereIs(capacity: capacity)
    error.readWhatThereIs(capacity: capacity)
    let signal = status & 0x7f
    return Outcome(
      finished: finished, status: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: output.data,
      error: error.data)
  }

  /// A pipe from the program, read without waiting.
  private struct Stream {
    let reading: Int32
    private(set) var writing: Int32
    private(set) var data = Data()

    init() throws {
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
      (reading, writing) = (ends[0], ends[1])
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    mutating func readWhatThereIs(capacity: Int) {
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      // A program that prints faster than it is read must not keep its time limit from being looked at.
      for _ in 0..<64 {
        let count = read(reading, &chunk, chunk.count)
        guard count > 0 else { return }
        data.append(contentsOf: chunk.prefix(min(count, max(0, capacity - data.count))))
      }
    }

    mutating func closeWritingEnd() {
      if writing >= 0 { _ = Foundation.close(writing) }
      writing = -1
    }

    mutating func close() {
      closeWritingEnd()
      _ = Foundation.close(reading)
    }
  }
}
