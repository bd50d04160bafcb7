package import GraftSyntax

extension [PythonStatement] {
  /// The statements of a function without variables that only the next statement reads, once: one that is assigned anew
  /// (`x = f(x)`, `x = g(x)`) where the result stays on one line and is no tangle, and one of several lines that is
  /// returned in fewer. Sums begin with their plain operand where that takes fewer lines.
  package func foldingSingleUses() -> [PythonStatement] {
    var folded: [PythonStatement] = []
    for statement in self {
      var next = statement.foldingBodies().beginningSumWithName
      while let last = folded.last, let joined = next.reading(last) {
        folded.removeLast()
        next = joined
      }
      folded.append(next)
    }
    return folded
  }

  /// The statements with an assignment's value where they read its variable; nil unless they do so once, outside of loops
  /// and branches, where everything that the value reads is still what it was at the beginning.
  package func inlining(_ assignment: PythonStatement) -> [PythonStatement]? {
    guard case .assign(let targets, let value) = assignment, targets.count == 1, case .name(let name) = targets[0],
      let index = firstIndex(where: { $0.names.contains(name) }),
      !self[(index + 1)...].contains(where: { $0.names.contains(name) }),
      Set(value.freeNames).isDisjoint(with: self[..<index].flatMap(\.allAssignedNames))
    else { return nil }
    var statements = self
    switch self[index] {
    case .assign(let targets, let read) where read.readsOnce(name) && !targets.flatMap(\.freeNames).contains(name):
      statements[index] = .assign(targets, read.substituting([name: value]))
    case .return(.some(let read)) where read.readsOnce(name):
      statements[index] = .return(read.substituting([name: value]))
    default: return nil
    }
    return statements
  }
}

extension PythonStatement {
  private static let longestOperand = 10
  private static let longestStatement = 16
  private static let longestReturn = 24
  private static let deepestCalls = 2

  /// The statement with the bodies of loops and branches folded.
  fileprivate func foldingBodies() -> PythonStatement {
    switch self {
    case .for(let target, let iterable, let body): .for(target, in: iterable, body: body.foldingSingleUses())
    case .if(let branches, let orElse):
      .if(
        branches.map { PythonBranch($0.test, $0.body.foldingSingleUses()) }, orElse: orElse.foldingSingleUses())
    default: self
    }
  }

  /// The statement with the value of the assignment before it in the place of its variable; nil where that would not be
  /// shorter or no variable is saved.
  fileprivate func reading(_ last: PythonStatement) -> PythonStatement? {
    guard case .assign(let targets, let value) = last, targets.count == 1, case .name(let name) = targets[0],
      !value.isDisplay
    else { return nil }
    switch self {
    case .assign([.name(name)], let result):
      guard result.readsOnce(name), value.nodeCount <= Self.longestOperand else { return nil }
      let joined = result.substituting([name: value])
      let statement = PythonStatement.assign(.name(name), joined)
      guard joined.nodeCount <= Self.longestStatement, joined.callDepth <= Self.deepestCalls else { return nil }
      return [statement].lineCount == 1 ? statement : nil
    case .return(.some(let result)):
      guard [last].lineCount > 1, result.readsOnce(name), !result.isDisplay else { return nil }
      let joined = result.substituting([name: value])
      let statement = PythonStatement.return(joined).beginningSumWithName
      guard joined.nodeCount <= Self.longestReturn, joined.callDepth <= Self.deepestCalls else { return nil }
      return [statement].lineCount < [last, self].lineCount ? statement : nil
    default: return nil
    }
  }

  /// `x = x + f(y)` for `x = f(y) + x` where that takes fewer lines.
  fileprivate var beginningSumWithName: PythonStatement {
    func turned(_ value: PythonExpression) -> PythonExpression? {
      guard case .binary(let left, .add, let right) = value, case .call = left, case .name = right else { return nil }
      return .binary(right, .add, left)
    }
    let other: PythonStatement?
    switch self {
    case .assign(let targets, let value): other = turned(value).map { .assign(targets, $0) }
    case .return(.some(let value)): other = turned(value).map { .return($0) }
    default: other = nil
    }
    guard let other, [other].lineCount < [self].lineCount else { return self }
    return other
  }
}

extension PythonExpression {
  /// Whether the expression reads the variable once, and not as one of a tuple's items.
  fileprivate func readsOnce(_ name: String) -> Bool {
    reads(of: name) == 1 && !(isTuple && children.contains(.name(name))) && !isCaptured(name)
  }

  /// Whether a function or comprehension within the expression reads the variable.
  private func isCaptured(_ name: String) -> Bool {
    switch self {
    case .lambda, .comprehension: reads(of: name) > 0
    default: children.contains { $0.isCaptured(name) }
    }
  }

  /// How many calls are nested.
  fileprivate var callDepth: Int {
    let inner = children.map(\.callDepth).max() ?? 0
    if case .call = self { return inner + 1 }
    return inner
  }
}
