package import GraftSyntax

extension [PythonStatement] {
  /// The statements of a function with numbered variables called by a lower number where that name's value is not read any
  /// more: `x = f(x)` for `x_2 = f(x)`. What is a copy then goes.
  ///
  /// - Parameter parameters: the names of the function's parameters.
  package func reusingNames(_ parameters: Set<String>) -> [PythonStatement] {
    let definesFunctions = contains { if case .function = $0 { true } else { false } }
    var names = ReusedNames(of: self, parameters)
    return definesFunctions ? self : enumerated().compactMap { names.renaming($0.element, at: $0.offset) }
  }
}

/// Which variables hold what is still read, statement by statement.
private struct ReusedNames {
  /// Where each name occurs last.
  private let lastUse: [String: Int]
  /// The variables by their names without numbers, and until where each is read.
  private var variables: [String: [String: Int]] = [:]
  private var known: Set<String> = []
  /// What variables are called instead.
  private var renamed: [String: String] = [:]

  init(of statements: [PythonStatement], _ parameters: Set<String>) {
    var lastUse: [String: Int] = [:]
    for (index, statement) in statements.enumerated() {
      for name in statement.names { lastUse[name] = index }
    }
    self.lastUse = lastUse
    for name in parameters { add(name) }
  }

  private mutating func add(_ name: String) {
    if known.insert(name).inserted { variables[name.withoutNumber, default: [:]][name] = lastUse[name] ?? -1 }
  }

  /// The statement with the names that its variables have now; nil if it only copies a variable to itself.
  mutating func renaming(_ statement: PythonStatement, at index: Int) -> PythonStatement? {
    for name in statement.assignedNames where !known.contains(name) {
      let base = name.withoutNumber
      let taken = Set(statement.assignedNames.map { renamed[$0] ?? $0 })
      let free = (variables[base] ?? [:]).filter { $0.value <= index && !taken.contains($0.key) }.keys
      if base != name, let older = free.min(by: { ($0.count, $0) < ($1.count, $1) }) {
        known.insert(name)
        renamed[name] = older
        variables[base]?[older] = lastUse[name] ?? index
      } else {
        add(name)
      }
    }
    for name in statement.allAssignedNames { add(name) }
    if renamed.isEmpty { return statement }
    let replacements = renamed.mapValues { PythonExpression.name($0) }
    let result = statement.mapExpressions { $0.substituting(replacements) }
    if case .assign(let targets, let value) = result, targets == [value] { return nil }
    return result
  }
}

extension String {
  /// `skip` of `skip_2`.
  var withoutNumber: String {
    guard let digits = lastIndex(of: "_").map({ self[index(after: $0)...] }), !digits.isEmpty,
      digits.allSatisfy({ $0.isASCII && $0.isNumber })
    else { return self }
    return String(self[..<digits.startIndex].dropLast())
  }
}
