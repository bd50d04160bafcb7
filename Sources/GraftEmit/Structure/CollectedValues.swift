import GraftSyntax

/// Values that the turns of a loop collect in a list, for a statement after it that reads all of them in a row: forwards,
/// or backwards as the way up of a U-Net does.
struct CollectedValues {
  /// What the list is called.
  let name: String
  /// The variable whose values they are, by its name in the last turn.
  let variable: String
  /// Whether they are what a turn finds, not what it leaves.
  let beginsTurn: Bool
  /// The values by their names outside of a loop.
  private let items: [PythonExpression]

  /// `skips.append(x)`
  var statement: PythonStatement {
    .expression(PythonExpression.name(name).method("append", .name(variable)))
  }

  /// What turns may collect for the statements after them.
  ///
  /// - Parameter taken: names that the lists must not have.
  static func all(
    of run: RepeatedStatements, readIn after: [PythonStatement], avoiding taken: @autoclosure () -> Set<String>
  ) -> [CollectedValues] {
    let count = run.turns.count
    var found: [CollectedValues] = []
    for (position, variable) in run.assigned[count - 1].enumerated() {
      let ends = run.assigned.map { PythonExpression.name($0[position]) }
      guard Set(ends).count == count else { continue }
      let begins = run.starts[variable].map { [$0] + ends.dropLast() }
      for (items, beginsTurn) in [(begins, true), (ends, false)] {
        guard let items, Set(items).count == count, let reader = after.firstReader(of: items) else { continue }
        let wanted = (reader ?? variable).plural
        let name = PythonIdentifier.unique(wanted, avoiding: taken().union(found.map(\.name)))
        found.append(CollectedValues(name: name, variable: variable, beginsTurn: beginsTurn, items: items))
      }
    }
    return found
  }

  /// The expression with the list where it reads all of the values in a row.
  func reading(_ expression: PythonExpression) -> PythonExpression {
    let list = PythonExpression.name(name)
    switch expression {
    case .list(items): return list
    case .list(items.reversed()): return list[.slice(nil, nil, step: .integer(-1))]
    case .call("zip", let arguments):
      return .call(
        "zip",
        arguments.map { argument in
          switch argument {
          case .positional(.tuple(items)): .positional(list)
          case .positional(.tuple(items.reversed())): .positional(PythonExpression.name("reversed").call(list))
          default: argument
          }
        })
    default: return expression.mapChildren(reading)
    }
  }
}

extension [PythonStatement] {
  /// What the first statement that reads all of the values in a row calls each of them: `.some(nil)` for no name, nil if
  /// there is no such statement.
  fileprivate func firstReader(of items: [PythonExpression]) -> String?? {
    for statement in self {
      if case .for(.tuple(let targets), in: .call("zip", let lists), _) = statement {
        for (target, list) in zip(targets, lists) where list.value.isRow(of: items) {
          return .some(target.targetNames.first)
        }
      }
      var isRead = false
      _ = statement.mapExpressions { expression in
        isRead = isRead || expression.readsList(of: items)
        return expression
      }
      if isRead { return .some(nil) }
    }
    return nil
  }
}

extension PythonExpression {
  fileprivate func isRow(of items: [PythonExpression]) -> Bool {
    self == .tuple(items) || self == .tuple(items.reversed())
  }

  fileprivate func readsList(of items: [PythonExpression]) -> Bool {
    self == .list(items) || self == .list(items.reversed()) || children.contains { $0.readsList(of: items) }
  }
}

extension String {
  /// A name for a list of what this is the name of, be it one of several such: `skips` for `skip_2`.
  fileprivate var plural: String {
    withoutNumber.hasSuffix("s") ? withoutNumber : withoutNumber + "s"
  }
}
