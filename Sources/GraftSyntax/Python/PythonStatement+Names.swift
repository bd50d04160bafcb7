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

  /// The variables that the statement gives a value, the statements within it included.
  package var allAssignedNames: [String] {
    switch self {
    case .assign(let targets, _): targets.flatMap(\.targetNames)
    case .augmentedAssign(let target, _, _), .annotatedAssign(let target, _, _): target.targetNames
    case .for(let target, _, let body): target.targetNames + body.flatMap(\.allAssignedNames)
    case .while(_, let body), .with(_, let body): body.flatMap(\.allAssignedNames)
    case .if(let branches, let orElse): (branches.flatMap(\.body) + orElse).flatMap(\.allAssignedNames)
    default: []
    }
  }
}
