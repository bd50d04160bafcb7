package import GraftSyntax

/// What a `for` loop stands for.
package struct RolledLoop: Sendable {
  /// A variable that turns read as the turn before left it.
  package struct Carried: Sendable {
    /// Its name in the loop.
    package var name: String
    /// What the first turn reads.
    package var start: PythonExpression
    /// Its name in each of the statements' turns.
    package var ends: [String]
  }

  package var carried: [Carried]
  /// The statements of each turn, by position among those that were rolled.
  package var turns: [Range<Int>]
}

extension [PythonStatement] {
  /// The names that the statements read before they assign them.
  package var readNames: [String] {
    var assigned: Set<String> = []
    var read: [String] = []
    func reads(_ names: [String]) { read += names.filter { !assigned.contains($0) } }
    for statement in self {
      switch statement {
      case .assign(let targets, let value):
        reads(value.freeNames)
        let names = targets.flatMap(\.targetNames)
        reads(targets.flatMap(\.freeNames).filter { !names.contains($0) })
        assigned.formUnion(names)
      case .for(let target, in: let iterable, let body):
        reads(iterable.freeNames)
        let own = target.targetNames
        reads(body.readNames.filter { !own.contains($0) })
      default: reads(statement.names)
      }
    }
    return read
  }

  /// The number of keys in `keys = split(rng, 4)`.
  package var keyCounts: [PythonExpression: TreeSize] {
    var counts: [PythonExpression: TreeSize] = [:]
    func count(_ expression: PythonExpression) -> Int? {
      switch expression {
      case .conditional(_, _, let orElse): return count(orElse)
      case .call(_, let arguments):
        guard arguments.count == 2, case .positional(.integer(let count)) = arguments[1] else { return nil }
        return count
      default: return nil
      }
    }
    for case .assign(let targets, let value) in self where targets == ["keys"] {
      counts["keys"] = count(value).map { .list($0) }
    }
    return counts
  }
}
