package import GraftSyntax

extension [PythonStatement] {
  /// The statements with a last assignment `x = f(y)` folded into the `return` that reads it.
  package func returningLastValue() -> [PythonStatement] {
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
