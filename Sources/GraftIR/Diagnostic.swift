/// Something that a user has to be told: what is wrong, where, and what to do about it.
public struct Diagnostic: Error, Sendable, Hashable {
  /// A stable, documented code such as `unsupported-op`.
  public var code: Code
  public var message: String
  public var location: SourceLocation?
  public var remedy: String?
  /// Further lines: one for each of several findings.
  public var notes: [String]

  /// The stable codes, which also decide the exit code of the command line.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    case failed
    case invalidInput = "invalid-input"
    case invalidPackage = "invalid-package"
    case invalidProgram = "invalid-program"
    case missingDependency = "missing-dependency"
    case internalError = "internal-error"
    case sourceFailed = "source-failed"
    case unsupported = "unsupported"
    case verificationFailed = "verification-failed"
  }

  public init(
    _ code: Code, _ message: String, at location: SourceLocation? = nil, remedy: String? = nil, notes: [String] = []
  ) {
    self.code = code
    self.message = message
    self.location = location
    self.remedy = remedy
    self.notes = notes
  }
}

extension Diagnostic: CustomStringConvertible {
  public var description: String {
    var text = location.map { "\($0): " } ?? ""
    text += message
    for note in notes { text += "\n  \(note)" }
    if let remedy { text += "\n  \(remedy)" }
    return text
  }
}
