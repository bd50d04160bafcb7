/// Collects the lines of a module or body, with the empty lines that Python style wants between statements.
struct Suite {
  enum Kind {
    case module, function, `class`, other
  }

  /// What a statement is, as far as empty lines depend on it.
  enum Role {
    case simple, `import`, definition, docstring
    /// A compound statement whose last line belongs to a definition.
    case endsInDefinition
  }

  let kind: Kind
  private var lines: [String] = []
  private var previous: Role?
  private var isBlankRequested = false
  /// Comments that belong to the statement after them.
  private var comments: [String] = []
  private var isBlankAfterComments = false

  init(kind: Kind) {
    self.kind = kind
  }

  /// Whether there is anything but comments.
  var hasStatement: Bool { previous != nil }

  /// All lines. Comments at the end belong to the last statement.
  var finished: [String] {
    if comments.isEmpty { return lines }
    let blanks =
      switch previous {
      case nil: 0
      case .definition, .endsInDefinition: blanksAroundDefinitions
      case .docstring where kind == .class || kind == .module: 1
      default: isBlankRequested ? 1 : 0
      }
    return lines + Array(repeating: "", count: blanks) + comments
  }

  /// An empty line before the next statement, unless one is there anyway or none may be.
  mutating func requestBlank() {
    if comments.isEmpty { isBlankRequested = true } else { isBlankAfterComments = true }
  }

  mutating func appendComment(_ lines: [String]) {
    if isBlankAfterComments { comments.append("") }
    comments += lines
    isBlankAfterComments = false
  }

  mutating func append(_ statement: [String], as role: Role) {
    lines += Array(repeating: "", count: blanks(before: role)) + comments
    if isBlankAfterComments {
      lines += Array(repeating: "", count: role == .definition ? blanksAroundDefinitions : 1)
    }
    lines += statement
    previous = role
    comments = []
    isBlankRequested = false
    isBlankAfterComments = false
  }

  private var blanksAroundDefinitions: Int { kind == .module ? 2 : 1 }

  private func blanks(before role: Role) -> Int {
    guard let previous else { return kind == .other && role == .definition && comments.isEmpty ? 1 : 0 }
    if role == .definition || previous == .definition || previous == .endsInDefinition {
      return blanksAroundDefinitions
    }
    if previous == .import, role != .import || !comments.isEmpty { return 1 }
    if previous == .docstring, kind == .module || kind == .class { return 1 }
    return isBlankRequested ? 1 : 0
  }
}
