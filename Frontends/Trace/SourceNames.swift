package import GraftIR

/// Reads variable names out of the statements that a call came from.
package enum SourceNames {
  /// The variables assigned by the innermost assignment around a call in the model's own source.
  package static func targets(of origin: Origin) -> [String] { assignment(of: origin).names }

  /// These variables, and where the assignment is.
  static func assignment(of origin: Origin) -> (names: [String], place: SourceLocation?) {
    for frame in origin.frames.reversed() where !frame.isLibrary {
      let names = frame.assignmentTargets
      if !names.isEmpty { return (names, frame) }
      if !isReturn(frame.text) { break }
    }
    return ([], nil)
  }

  private static func isReturn(_ text: String) -> Bool { text.hasPrefix("return") }
}
