package import GraftSyntax

extension [PythonStatement] {
  /// The statements of a function with numbered variables called by a lower number where that name's value is not read any
  /// more: `x = f(x)` for `x_2 = f(x)`. What is a copy then goes.
  ///
  /// - Parameter parameters: the names of the function's parameters.
  package func reusingNames(_ parameters: Set<String>) -> [PythonStatement] {
    if contains(where: { if case .function = $0 { true } else { false } }) { return self }
    var statements = self
    var variables = parameters
    var index = 0
    while index < statements.count {
      for name in statements[index].assignedNames where !variables.contains(name) {
        guard let older = statements.name(for: name, assignedAt: index, among: variables) else { continue }
        let rest = statements[(index + 1)...].map { $0.mapExpressions { $0.substituting([name: .name(older)]) } }
        statements = statements[..<index] + [statements[index].renamingTarget(name, to: older)] + rest
      }
      variables.formUnion(statements[index].allAssignedNames)
      if statements[index].isCopyOfItself { statements.remove(at: index) } else { index += 1 }
    }
    return statements
  }

  /// The variable of the same name but for its number that nothing reads after a statement, with the lowest number.
  private func name(for name: String, assignedAt index: Int, among variables: Set<String>) -> String? {
    let base = name.withoutNumber
    guard base != name else { return nil }
    let targets = self[index].assignedNames
    let free = variables.filter { variable in
      variable.withoutNumber == base && !targets.contains(variable)
        && !self[(index + 1)...].contains { $0.names.contains(variable) }
    }
    return free.min { ($0.count, $0) < ($1.count, $1) }
  }
}

extension PythonStatement {
  fileprivate func renamingTarget(_ name: String, to other: String) -> PythonStatement {
    guard case .assign(let targets, let value) = self else { return self }
    return .assign(targets.map { $0.substituting([name: .name(other)]) }, value)
  }

  fileprivate var isCopyOfItself: Bool {
    if case .assign(let targets, let value) = self { targets == [value] } else { false }
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
