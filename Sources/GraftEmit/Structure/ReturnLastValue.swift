package import GraftSyntax

extension [PythonStatement] {
  /// The statements with a last assignment `x = f(y)` folded into the `return` that reads it, and `x = f(y)`, `x = g(x)`
  /// too where that stays on one line.
  package func returningLastValue() -> [PythonStatement] {
    let folded = foldingLastAssignment()
    guard folded.count < count, count > 2, self[count - 2].assignedNames == self[count - 3].assignedNames else {
      return folded
    }
    return folded.foldingOperand() ?? folded
  }

  private static var longestOperand: Int { 8 }

  /// `return g(f(y))` for `x = f(y)` and `return g(x)`.
  private func foldingOperand() -> [PythonStatement]? {
    guard count > 1, case .return(.some(let result)) = self[count - 1],
      case .assign(let targets, let value) = self[count - 2], targets.count == 1, case .name(let name) = targets[0],
      value.nodeCount <= Self.longestOperand, !value.isDisplay, result.reads(of: name) == 1,
      !result.children.contains(.name(name)) || !result.isTuple
    else { return nil }
    let folded = PythonStatement.return(result.substituting([name: value]))
    let isShort = PythonRenderer().render([folded], indentation: 1).count { $0 == "\n" } == 1
    return isShort ? dropLast(2) + [folded] : nil
  }

  private func foldingLastAssignment() -> [PythonStatement] {
    guard count > 1, case .return(.some(let result)) = self[count - 1],
      case .assign(let targets, let value) = self[count - 2], case .name(let name) = targets[0], targets.count == 1
    else { return self }
    if result == .name(name) { return dropLast(2) + [.return(value)] }
    guard case .tuple(let items) = result, items.first == .name(name),
      !items.dropFirst().contains(where: { $0.freeNames.contains(name) })
    else { return self }
    return dropLast(2) + [.return(.tuple([value] + items.dropFirst()))]
  }
}

extension PythonExpression {
  /// How often the expression reads a variable.
  func reads(of name: String) -> Int {
    self == .name(name) ? 1 : children.reduce(0) { $0 + $1.reads(of: name) }
  }

  var isTuple: Bool { if case .tuple = self { true } else { false } }

  /// Whether it is written out in brackets or branches, and better has a name.
  var isDisplay: Bool {
    switch self {
    case .tuple, .list, .dictionary, .set, .comprehension, .lambda, .conditional: true
    default: false
    }
  }
}
