import GraftIR

/// Reads variable names out of the statements that a call came from.
enum SourceNames {
  /// The variables assigned by the innermost assignment around a call in the model's own source.
  static func targets(of origin: Origin) -> [String] {
    for frame in origin.frames.reversed() where !frame.isLibrary {
      let names = frame.assignmentTargets
      if !names.isEmpty { return names }
      if !isReturn(frame.text) { return [] }
    }
    return []
  }

  private static func isReturn(_ text: String) -> Bool { text.hasPrefix("return") }
}
