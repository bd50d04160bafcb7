import ArgumentParser
import Foundation
import Graft

/// How the process ends.
enum ExitStatus: Int32 {
  case done = 0
  case failed = 1
  case wrongUsage = 2
  case unsupported = 3
  case notVerified = 4

  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = ExitStatus(problem.kind)
    case let status as StatusError: self = status.status
    default: self = GraftCLI.exitCode(for: error) == .success ? .done : .wrongUsage
    }
  }

  private init(_ kind: Problem.Kind) {
    switch kind {
    case .wrongUsage: self = .wrongUsage
    case .unsupported: self = .unsupported
    case .notVerified: self = .notVerified
    case .failed: self = .failed
    }
  }

  /// Says what happened, on standard error unless it was asked for, and exits.
  func end(_ error: any Error) -> Never {
    switch error {
    case let problem as Problem: Console.error(problem)
    case is StatusError: break
    default:
      var text = GraftCLI.fullMessage(for: error)
      if text.hasPrefix("Error: ") { text = "error: " + text.dropFirst("Error: ".count) }
      if !text.isEmpty { self == .done ? Console.output(text) : Console.note(text) }
    }
    exit(rawValue)
  }
}

/// Ends the command with a status; everything has been said.
struct StatusError: Error {
  var status: ExitStatus
}
