extension SourceLocation {
  /// The variables that the statement assigns: `a, self.b = f(x)` assigns `a` and `b`, `x += y` assigns `x`.
  package var assignmentTargets: [String] {
    guard let left = Self.leftHandSide(text) else { return [] }
    let names = left.split(separator: ",").map { part -> String in
      let target = part.split(separator: ":").first ?? ""
      let bare = target.split(whereSeparator: { " ()*".contains($0) }).joined()
      let base = bare.split(separator: "[").first ?? ""
      return String(base.split(separator: ".").last ?? "")
    }
    return names.allSatisfy(Self.isIdentifier) ? names : []
  }

  /// What stands before the first assignment sign outside brackets.
  private static func leftHandSide(_ statement: String) -> Substring? {
    var depth = 0
    var previous: Character = " "
    for index in statement.indices {
      let character = statement[index]
      switch character {
      case "(", "[", "{": depth += 1
      case ")", "]", "}": depth -= 1
      case "\"", "'", "#": return nil
      case "=" where depth == 0:
        let next = statement.index(after: index)
        if next < statement.endIndex, statement[next] == "=" { return nil }
        if "<>!".contains(previous) { return nil }
        var left = statement[..<index]
        while let last = left.last, "+-*/%@&|^~ ".contains(last) { left.removeLast() }
        return left
      default: break
      }
      previous = character
    }
    return nil
  }

  private static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first == "_" || first.properties.isAlphabetic else { return false }
    return text.unicodeScalars.allSatisfy { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }
  }
}
