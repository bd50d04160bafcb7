package import GraftSyntax

/// How many children a node of the parameters or the state has.
package enum TreeSize: Equatable, Sendable {
  case list(Int)
  case dict(Int)
}

/// Writes runs of statements that do the same with other elements, or other constants, as `for` loops.
package struct LoopRoller {
  enum Kind {
    /// Over consecutive elements of lists, of which at most the first is treated otherwise.
    case overLists
    case overAnything
  }

  private let size: (PythonExpression) -> TreeSize?
  private let reserved: Set<String>
  private let signatures: [String: AntiUnifier.Signature]

  private static let longestBody = 8
  private static let mostRounds = 3

  /// - Parameters:
  ///   - reserved: names that mean something in the whole file.
  ///   - signatures: of the functions that statements call, by name.
  ///   - size: of a node, `params["layers"]` for one, where it is known.
  package init(
    avoiding reserved: Set<String>, signatures: [String: AntiUnifier.Signature] = [:],
    size: @escaping (PythonExpression) -> TreeSize?
  ) {
    self.reserved = reserved
    self.signatures = signatures
    self.size = size
  }

  package func roll(_ statements: [PythonStatement]) -> [PythonStatement] { rollKeepingOrigins(statements).statements }

  /// The statements with loops in them, and what each loop at the top stands for.
  package func rollKeepingOrigins(
    _ statements: [PythonStatement]
  ) -> (statements: [PythonStatement], origins: [PythonStatement: RolledLoop]) {
    var rolled = Rolled(statements: statements, lengths: Array(repeating: 1, count: statements.count))
    for _ in 0..<Self.mostRounds {
      // What a loop is over may let the values before it be collected by a loop.
      let next = roll(rolled, .overLists)
      if next.statements == rolled.statements { break }
      rolled = next
    }
    for _ in 0..<Self.mostRounds {
      let next = roll(rolled, .overAnything)
      if next.statements == rolled.statements { break }
      rolled = next
    }
    return (rolled.statements, rolled.loops)
  }

  /// Statements, how many of the first ones each stands for, and where loops among them come from.
  private struct Rolled {
    var statements: [PythonStatement]
    var lengths: [Int]
    var loops: [PythonStatement: RolledLoop] = [:]

    /// Adds a loop in the place of statements of `other` from a position on.
    mutating func append(_ loop: Loop, from other: Rolled, at position: Int) {
      let period = loop.length / loop.turns
      var start = other.lengths[..<position].reduce(0, +)
      let turns = (0..<loop.turns).map { turn in
        let length = other.lengths[(position + turn * period)..<(position + (turn + 1) * period)].reduce(0, +)
        defer { start += length }
        return start..<(start + length)
      }
      statements.appendLoop(loop.statements, before: other.statements[(position + loop.length)...])
      lengths += Array(repeating: 0, count: statements.count - 1 - lengths.count)
      lengths.append(turns.map(\.count).reduce(0, +))
      if let statement = statements.last { loops[statement] = RolledLoop(carried: loop.carried, turns: turns) }
    }
  }

  private func roll(_ all: Rolled, _ kind: Kind) -> Rolled {
    let sized = all.statements.keyCounts
    let size = { (list: PythonExpression) in self.size(list) ?? sized[list] }
    var all = all
    var result = Rolled(statements: [], lengths: [], loops: all.loops)
    var position = 0
    while position < all.statements.count {
      if let loop = loop(in: all.statements[position...], kind, size) {
        result.append(loop, from: all, at: position)
        position += loop.length
        for list in loop.lists {
          for later in position..<all.statements.count {
            all.statements[later] = all.statements[later].mapExpressions { $0.reading(list) }
          }
        }
        for values in loop.collected {
          for later in position..<all.statements.count {
            all.statements[later] = all.statements[later].mapExpressions { values.reading($0) }
          }
        }
      } else {
        result.statements.append(all.statements[position])
        result.lengths.append(all.lengths[position])
        position += 1
      }
    }
    return result
  }

  private struct Loop {
    var statements: [PythonStatement]
    /// How many statements it replaces.
    var length: Int
    var turns: Int
    var carried: [RolledLoop.Carried]
    var savedLines: Int
    var lists: [(name: String, items: [PythonExpression])]
    var collected: [CollectedValues]
  }

  /// The loop at the beginning of the statements that saves most lines.
  private func loop(
    in statements: ArraySlice<PythonStatement>, _ kind: Kind, _ size: @escaping (PythonExpression) -> TreeSize?
  ) -> Loop? {
    var best: Loop?
    for period in 1...Self.longestBody where 2 * period <= statements.count {
      var turns = [Array(statements.prefix(period))]
      var rest = statements.dropFirst(period)
      while rest.count >= period, zip(turns[0], rest.prefix(period)).allSatisfy({ $0.resembles($1) }) {
        let next = Array(rest.prefix(period))
        guard RepeatedStatements([turns[turns.count - 1], next], signatures: signatures) != nil else { break }
        turns.append(next)
        rest = rest.dropFirst(period)
      }
      while turns.count > 1 {
        if let loop = loop(turns, before: statements.dropFirst(turns.count * period), kind, size) {
          if loop.savedLines > best?.savedLines ?? Int.min { best = loop }
          break
        }
        turns.removeLast()
      }
    }
    return best
  }

  private func loop(
    _ turns: [[PythonStatement]], before rest: ArraySlice<PythonStatement>, _ kind: Kind,
    _ size: @escaping (PythonExpression) -> TreeSize?
  ) -> Loop? {
    guard let run = RepeatedStatements(turns, signatures: signatures) else { return nil }
    var after = Array(rest)
    for list in run.lists {
      after = after.map { $0.mapExpressions { $0.reading(("", list.end)) } }
    }
    let own = reserved.union(turns.joined().flatMap(\.names))
    let collected =
      run.lists.isEmpty
      ? CollectedValues.all(of: run, readIn: after, avoiding: own.union(after.flatMap(\.names))) : []
    for values in collected { after = after.map { $0.mapExpressions { values.reading($0) } } }
    let writer = LoopWriter(
      run: run, kind: kind, size: size, reserved: reserved,
      live: Set(after.readNames).subtracting(collected.map(\.name)), collected: collected)
    guard let written = writer.write() else { return nil }
    let saved = turns.joined().map(\.self).lineCount - written.lineCount
    let least = run.lists.isEmpty ? writer.hasLiterals ? 2 : 1 : 0
    guard kind == .overLists || saved >= least else { return nil }
    return Loop(
      statements: written, length: turns.count * turns[0].count, turns: turns.count, carried: writer.carried,
      savedLines: saved, lists: writer.lists(of: written), collected: collected)
  }
}

extension [PythonStatement] {
  /// How many lines the statements take in a function.
  package var lineCount: Int { PythonRenderer().render(self, indentation: 1).count { $0 == "\n" } }

  /// Appends a loop and what stands before it; a variable that would only be copied to start with has the copy's name
  /// from the beginning.
  fileprivate mutating func appendLoop(_ loop: [PythonStatement], before rest: ArraySlice<PythonStatement>) {
    guard loop.count == 2, case .assign(let copies, .name(let start)) = loop[0], copies.count == 1,
      let copy = copies[0].targetNames.first,
      let origin = lastIndex(where: { $0.names.contains(start) }),
      case .assign(let targets, let value) = self[origin], targets.count == 1,
      targets[0].targetNames.contains(start), !value.freeNames.contains(start),
      !self[(origin + 1)...].contains(where: { $0.names.contains(copy) }), !targets[0].targetNames.contains(copy),
      !loop[1].names.contains(start), !Array(rest).readNames.contains(start)
    else {
      self += loop
      return
    }
    self[origin] = .assign([targets[0].substituting([start: .name(copy)])], value)
    self += loop.dropFirst()
  }
}

extension PythonStatement {
  /// A cheap test that statements which do the same pass.
  fileprivate func resembles(_ other: PythonStatement) -> Bool {
    switch (self, other) {
    case (.assign(let targets, let value), .assign(let others, let otherValue)):
      if targets.count != others.count { return false }
      guard case .call(let function, let arguments) = value,
        case .call(let otherFunction, let otherArguments) = otherValue
      else { return true }
      return function.dottedName == otherFunction.dottedName
        && arguments.positionalCount == otherArguments.positionalCount
    case (.for(_, _, let body), .for(_, _, let otherBody)): return body.count == otherBody.count
    case (.expression, .expression): return true
    default: return false
    }
  }
}

extension [PythonArgument] {
  fileprivate var positionalCount: Int {
    count { if case .positional = $0 { true } else { false } }
  }
}

extension PythonExpression {
  /// The expression with a list that begins with the items of a named one written by that name.
  fileprivate func reading(_ list: (name: String, items: [PythonExpression])) -> PythonExpression {
    guard case .list(let items) = self, items.starts(with: list.items) else {
      return mapChildren { $0.reading(list) }
    }
    let rest = items.dropFirst(list.items.count)
    return rest.isEmpty ? .name(list.name) : .list([.starred(.name(list.name))] + rest)
  }
}
