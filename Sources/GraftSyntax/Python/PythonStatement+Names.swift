extension PythonStatement {
  /// Every name that occurs, as often as it does: those that are read and those that are assigned.
  package var names: [String] {
    var names: [String] = []
    _ = mapExpressions { expression in
      names += expression.freeNames
      return expression
    }
    return names
  }

  /// The variables that an assignment gives a value.
  package var assignedNames: [String] {
    if case .assign(let targets, _) = self { targets.flatMap(\.targetNames) } else { [] }
  }
}
