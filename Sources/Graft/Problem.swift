import GraftFiles
import GraftIR
import GraftPython

/// Why something that was asked of Graft was not done, in terms of what the user can do about it.
public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable {
    /// It was asked for in the wrong way.
    case wrongUsage
    /// The program uses something that Graft does not support.
    case unsupported
    /// The converted program does not compute the same.
    case notVerified
    /// Anything else: the program itself fails, a file is damaged, the disk is full.
    case failed
  }

  public var kind: Kind
  /// A stable word for the cause.
  public var code: String
  /// One sentence, with the place in the source where there is one.
  public var message: String
  public var details: [String]
  public var remedy: String?

  /// Any error that Graft's own parts throw.
  public init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let diagnostic as Diagnostic: self.init(diagnostic: diagnostic)
    case let error as FileError:
      self.init(kind: .failed, code: "file", message: "\(error)", details: [], remedy: error.remedy)
    case is CancellationError: self.init(kind: .failed, code: "cancelled", message: "cancelled", details: [])
    default: self.init(kind: .failed, code: "failed", message: "\(error)", details: [])
    }
  }

  init(kind: Kind, code: String, message: String, details: [String], remedy: String? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.details = details
    self.remedy = remedy
  }

  private init(diagnostic: Diagnostic) {
    let kind: Kind =
      switch diagnostic.code {
      case .invalidInput: .wrongUsage
      case .unsupported: .unsupported
      case .verificationFailed: .notVerified
      default: .failed
      }
    let place = diagnostic.location.map { "\($0.file):\($0.line): " } ?? ""
    self.init(
      kind: kind, code: diagnostic.code.rawValue, message: place + diagnostic.message, details: diagnostic.notes,
      remedy: diagnostic.remedy)
  }

  public var description: String {
    ([message] + details.map { "  \($0)" } + (remedy.map { ["  \($0)"] } ?? [])).joined(separator: "\n")
  }
}
