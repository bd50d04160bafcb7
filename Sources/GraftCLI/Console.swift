import Foundation
import Graft
import Synchronization

/// Standard output for results, standard error for everything else.
enum Console {
  static func output(_ line: String) { write(line + "\n") }

  /// Text that has its own line ends.
  static func write(_ text: String) { write(text, to: .standardOutput) }

  static func note(_ line: String) { write(line + "\n", to: .standardError) }

  static func error(_ problem: Problem) {
    Progress.shared.clear()
    note("error: \(problem.message)")
    for line in problem.details { note("  \(line)") }
    if let remedy = problem.remedy { note("  \(remedy)") }
  }

  private static func write(_ text: String, to handle: FileHandle) {
    try? handle.write(contentsOf: Data(text.utf8))
  }

  static var isErrorATerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// A line about what is being done, on standard error: rewritten in place on a terminal, one line a phase elsewhere.
final class Progress: Sendable {
  static let shared = Progress()

  private struct State {
    var phase = ""
    var isShowing = false
    var isQuiet = false
  }

  private let state = Mutex(State())

  func beQuiet() { state.withLock { $0.isQuiet = true } }

  /// The handler to give to long operations.
  var handler: ProgressHandler {
    { phase, fraction in self.show(phase, fraction) }
  }

  private func show(_ phase: String, _ fraction: Double?) {
    let isTerminal = Console.isErrorATerminal
    let text: String? = state.withLock { state in
      if state.isQuiet || (!isTerminal && state.phase == phase) { return nil }
      state.phase = phase
      state.isShowing = isTerminal
      let percent = fraction.map { " \(Int(($0 * 100).rounded()))%" } ?? ""
      return isTerminal ? "\r\u{1B}[K\(phase)\(percent) …" : "\(phase)\(percent) …\n"
    }
    if let text { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
  }

  /// Removes the line from the terminal.
  func clear() {
    let showing = state.withLock { state in
      defer { state.isShowing = false }
      return state.isShowing
    }
    if showing { try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8)) }
  }
}
