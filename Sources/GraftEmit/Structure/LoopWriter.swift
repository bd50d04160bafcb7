import GraftSyntax

/// Writes repeated statements as a `for` loop.
struct LoopWriter {
  let run: RepeatedStatements
  let kind: LoopRoller.Kind
  let size: (PythonExpression) -> TreeSize?
  let reserved: Set<String>
  /// Names whose present values are read after the loop.
  let live: Set<String>
  /// What the loop collects for the statements after it.
  var collected: [CollectedValues] = []

  private var count: Int { run.turns.count }

  /// How many rows a table of constants may have before it is better not to spell it out.
  private static let mostRows = 6
  private static let mostVariables = 2

  /// What takes the place of a hole.
  private enum Role: Equatable {
    /// The element `start + step * turn` of a list.
    case element(PythonExpression, Progression)
    /// `start + step * turn`
    case number(Progression)
    /// A string around a number that counts up.
    case formatted(prefix: String, suffix: String, start: Int)
    /// One value in the first turn and another in all others.
    case first(PythonExpression, PythonExpression)
    /// Anything else: each turn's value is written out.
    case literal(name: String)
    /// A variable from before the loop, another one in each turn.
    case variable(name: String)
  }

  private struct Progression: Equatable {
    var start: Int
    var step: Int

    init?(_ values: [PythonExpression]) {
      var numbers: [Int] = []
      for case .integer(let number) in values { numbers.append(number) }
      guard numbers.count == values.count, numbers.count > 1 else { return nil }
      (start, step) = (numbers[0], numbers[1].subtractingReportingOverflow(numbers[0]).partialValue)
      guard start >= 0, step > 0, numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }),
        zip(numbers, numbers.dropFirst()).allSatisfy({ $1 - $0 == step })
      else { return nil }
    }

    init(start: Int) { (self.start, step) = (start, 1) }
  }

  /// - Returns: nil when a loop would be no clearer.
  func write() -> [PythonStatement]? {
    guard var roles = roles(), accepts(roles) else { return nil }
    let names = run.body.flatMap(\.names)
    let hasLiterals = roles.contains { if case .literal = $0 { true } else { false } }
    let hasElements = roles.contains { if case .element = $0 { true } else { false } }
    if hasLiterals, !hasElements {
      for case (let number, .formatted) in roles.enumerated() { roles[number] = .literal(name: "name") }
    }
    let read = run.holes.flatMap { $0.values.flatMap(\.freeNames) }
    guard let header = header(roles, avoiding: reserved.union(names).union(live).union(read)) else { return nil }
    guard let renamed = finalNames() else { return nil }
    let used = Set(names).union(header.target.targetNames).union(reserved)
    var lists: [(name: String, list: RepeatedStatements.GrowingList)] = []
    for list in run.lists {
      let taken = used.union(live).union(lists.map(\.name)).union(renamed.values)
      lists.append((PythonIdentifier.unique(list.name, avoiding: taken), list))
    }
    var before: [PythonStatement] = []
    for (name, start) in run.starts {
      let name = renamed[name] ?? name
      if start == .name(name) { continue }
      guard !run.starts.values.contains(where: { $0 != start && $0.freeNames.contains(name) }) else { return nil }
      before.append(.assign(.name(name), start))
    }
    before += lists.map { .assign(.name($0.name), .list($0.list.start)) }
    before += collected.map { .assign(.name($0.name), .list([])) }
    var body = run.body.map { $0.mapExpressions { header.filling($0) } }
    let (first, last) = (collected.filter(\.beginsTurn), collected.filter { !$0.beginsTurn })
    body = first.map(\.statement) + body + last.map(\.statement)
    let renaming = renamed.mapValues { PythonExpression.name($0) }.merging(
      lists.indices.map { ("\u{1}\($0)", .name(lists[$0].name)) }, uniquingKeysWith: { a, _ in a })
    for (name, list) in lists {
      for item in list.appended { body.append(.expression(.name(name).method("append", .name(item)))) }
    }
    body = body.map { $0.mapExpressions { $0.substituting(renaming) } }
    body = header.literals.reduce(body) { $1.takingEffectOnce(in: $0) }
    return before + [.for(header.target, in: header.iterable, body: body)]
  }

  /// What the lists that the loop makes are called, by what they consist of at its end.
  func lists(of written: [PythonStatement]) -> [(name: String, items: [PythonExpression])] {
    let starts = written.dropLast().suffix(run.lists.count).flatMap(\.assignedNames)
    return zip(starts, run.lists).map { ($0, $1.end) }
  }

  /// Whether the loop would spell out constants turn by turn.
  var hasLiterals: Bool {
    roles()?.contains { if case .literal = $0 { true } else { false } } ?? false
  }

  /// What turns read as the turn before left it.
  var carried: [RolledLoop.Carried] {
    let renamed = finalNames() ?? [:]
    return run.starts.compactMap { name, start in
      guard let position = run.assigned[count - 1].firstIndex(of: name) else { return nil }
      return RolledLoop.Carried(
        name: renamed[name] ?? name, start: start, ends: run.assigned.map { $0[position] })
    }
  }

  // MARK: Names

  /// For the names that turns use, by that of the last turn, what the loop calls them; nil if a value that only one of the
  /// earlier turns computes is read after the loop.
  private func finalNames() -> [String: String]? {
    var renamed: [String: String] = [:]
    let last = run.assigned[count - 1]
    let fixed = Set(run.body.flatMap(\.names)).union(run.starts.values.flatMap(\.freeNames))
    for (position, name) in last.enumerated() {
      let others = run.assigned.dropLast().map { $0[position] }.filter { $0 != name }
      if others.contains(where: live.contains) { return nil }
      guard let first = others.first, !live.contains(name), !renamed.values.contains(first) else { continue }
      if !fixed.contains(first) || run.starts[name] == .name(first) { renamed[name] = first }
    }
    return renamed
  }

  // MARK: What differs

  private func roles() -> [Role]? {
    var roles: [Role] = []
    for hole in run.holes {
      switch hole.kind {
      case .key(let base):
        if let progression = Progression(hole.values) {
          let isFixed = !base.freeNames.contains { $0.hasPrefix("\u{0}") } && !base.isRooted(in: "new_state")
          roles.append(isFixed ? .element(base, progression) : .number(progression))
        } else if let formatted = Self.formatted(hole.values) {
          roles.append(formatted)
        } else if hole.values.allSatisfy({ if case .string = $0 { true } else { false } }) {
          roles.append(.literal(name: "name"))
        } else {
          return nil
        }
      case .variable(let parameter): roles.append(.variable(name: parameter ?? "item"))
      case .constant(let parameter):
        let rest = hole.values.dropFirst()
        let isShort = count <= Self.mostRows && !run.holes.contains { $0.isElement }
        if let other = rest.first, rest.allSatisfy({ $0 == other }), !isShort {
          roles.append(.first(hole.values[0], other))
        } else {
          roles.append(.literal(name: parameter ?? "size"))
        }
      }
    }
    return roles
  }

  private static func formatted(_ values: [PythonExpression]) -> Role? {
    var parts: [(prefix: String, number: Int, suffix: String)] = []
    for case .string(let text) in values {
      guard let end = text.lastIndex(where: { $0.isASCII && $0.isNumber }) else { return nil }
      let head = text[...end]
      let start = head.lastIndex { !($0.isASCII && $0.isNumber) }.map { head.index(after: $0) } ?? head.startIndex
      guard let number = Int(head[start...]), String(number) == head[start...], number < 1 << 32 else { return nil }
      parts.append((String(text[..<start]), number, String(text[text.index(after: end)...])))
    }
    guard parts.count == values.count, let first = parts.first,
      parts.enumerated().allSatisfy({
        $1.prefix == first.prefix && $1.suffix == first.suffix && $1.number == first.number + $0
      })
    else { return nil }
    return .formatted(prefix: first.prefix, suffix: first.suffix, start: first.number)
  }

  private func accepts(_ roles: [Role]) -> Bool {
    var elements: [(list: PythonExpression, progression: Progression)] = []
    var literals = 0
    var choices = 0
    var variables = 0
    for role in roles {
      switch role {
      case .element(let list, let progression): elements.append((list, progression))
      case .literal: literals += 1
      case .first: choices += 1
      case .variable: variables += 1
      default: break
      }
    }
    let hasIndex = roles.contains {
      switch $0 {
      case .number, .formatted: true
      default: false
      }
    }
    guard !elements.isEmpty || hasIndex || literals > 0 else { return false }
    let period = run.body.count
    let isWhole = elements.contains { $0.progression == Progression(start: 0) && size($0.list) == .list(count) }
    if variables + collected.count > 0, !isWhole || variables > Self.mostVariables { return false }
    switch kind {
    case .overLists:
      guard literals == 0, !elements.isEmpty, choices == 0 || isWhole else { return false }
      guard elements.allSatisfy({ $0.progression.step == 1 }) else { return false }
      let reachesEnd = elements.contains { size($0.list) == .list($0.progression.start + count) }
      return count >= 3 || count * period >= 4 || reachesEnd
    case .overAnything:
      return (count >= 3 || !run.lists.isEmpty) && literals <= 4 && choices <= 2
    }
  }

  // MARK: The loop's head

  private struct Header {
    var target: PythonExpression
    var iterable: PythonExpression
    var replacements: [PythonExpression: PythonExpression]
    /// The variables that hold each turn's constants.
    var literals: [PythonExpression] = []

    func filling(_ expression: PythonExpression) -> PythonExpression {
      if let replacement = replacements[expression] { return replacement }
      return expression.mapChildren { filling($0) }
    }
  }

  private func header(_ roles: [Role], avoiding used: Set<String>) -> Header? {
    guard let index = indexProgression(roles) else { return nil }
    var taken = used
    func declare(_ names: String...) -> PythonExpression {
      let name = names.first { !taken.contains($0) } ?? PythonIdentifier.unique(names[0], avoiding: taken)
      taken.insert(name)
      return .name(name)
    }
    var items: [(target: PythonExpression, iterable: PythonExpression)] = []
    var literals: [(target: PythonExpression, values: [PythonExpression])] = []
    var header = Header(target: .none, iterable: .none, replacements: [:])
    var byIndex: [(hole: PythonExpression, list: PythonExpression, start: Int)] = []
    for (number, role) in roles.enumerated() {
      let hole = RepeatedStatements.hole(number)
      switch role {
      case .element(let list, let progression):
        let isIndexed = index.map { $0.step == progression.step } ?? false
        if isIndexed, index?.step != 1 || !items.isEmpty || list == "keys" || list.isRooted(in: "state") {
          byIndex.append((hole, list, progression.start))
        } else {
          let wanted = list.elementName
          let target = declare(wanted, "layer", "\(wanted)_params")
          items.append((target, slice(of: list, progression)))
          header.replacements[.subscript(list, hole)] = target
        }
      case .literal(let name):
        let values = run.holes[number].values
        let known = literals.first { $0.values == values }
        let target = known?.target ?? declare(name)
        if known == nil { literals.append((target, values)) }
        header.replacements[hole] = target
      case .variable(let name):
        let target = declare(name)
        items.append((target, .tuple(run.holes[number].values)))
        header.replacements[hole] = target
      default: break
      }
    }
    header.literals = literals.map(\.target)
    if items.isEmpty, literals.count > 1 {
      let rows = (0..<count).map { turn in PythonExpression.tuple(literals.map { $0.values[turn] }) }
      items.append((.tuple(literals.map(\.target)), .tuple(rows)))
    } else {
      items += literals.map { ($0.target, .tuple($0.values)) }
    }
    if let first = items.first {
      header.target = items.count == 1 ? first.target : .tuple(items.map(\.target))
      header.iterable = items.count == 1 ? first.iterable : PythonExpression.name("zip").call(items.map(\.iterable))
    }
    guard let index else { return header }
    let variable: PythonExpression
    if items.isEmpty || index.step != 1 {
      guard items.isEmpty else { return nil }
      variable = declare("i", "j", "k", "index")
      header.target = variable
      header.iterable = range(index, roles)
    } else {
      variable = declare("index", "i", "j", "k")
      header.target = .tuple([variable, header.target])
      header.iterable = PythonExpression.name("enumerate").call(
        [header.iterable] + (index.start == 0 ? [] : [.integer(index.start)]))
    }
    func number(_ start: Int) -> PythonExpression {
      start == index.start
        ? variable
        : start > index.start ? variable + .integer(start - index.start) : variable - .integer(index.start - start)
    }
    for (hole, list, start) in byIndex { header.replacements[.subscript(list, hole)] = list[number(start)] }
    for (position, role) in roles.enumerated() {
      let hole = RepeatedStatements.hole(position)
      switch role {
      case .number(let progression): header.replacements[hole] = number(progression.start)
      case .formatted(let prefix, let suffix, let start):
        let parts: [PythonFormatPart] = [.text(prefix), .value(number(start)), .text(suffix)]
        header.replacements[hole] = .formattedString(parts.filter { $0 != .text("") })
      case .first(let first, let other):
        header.replacements[hole] = first.conditional(
          if: variable.compared(.equal, .integer(index.start)), else: other)
      default: break
      }
    }
    return header
  }

  /// The values of the loop's counter: `.some(nil)` if it needs none, nil if it cannot have one.
  private func indexProgression(_ roles: [Role]) -> Progression?? {
    var needed: [Progression] = []
    var elements: [Progression] = []
    var hasChoice = false
    for role in roles {
      switch role {
      case .number(let progression): needed.append(progression)
      case .formatted(_, _, let start): needed.append(Progression(start: start))
      case .element(_, let progression): elements.append(progression)
      case .first: hasChoice = true
      case .literal, .variable: break
      }
    }
    guard let first = needed.first else {
      return .some(hasChoice ? Progression(start: 0) : nil)
    }
    return needed.allSatisfy { $0.step == first.step } ? .some(first) : .none
  }

  private func slice(of list: PythonExpression, _ progression: Progression) -> PythonExpression {
    let (start, step) = (progression.start, progression.step)
    let next = start + count * step
    var reachesEnd = false
    if case .list(let length) = size(list) { reachesEnd = next >= length }
    if start == 0, step == 1, reachesEnd { return list }
    return list[
      .slice(
        start == 0 ? nil : .integer(start), reachesEnd ? nil : .integer(next - step + 1),
        step: step == 1 ? nil : .integer(step))]
  }

  private func range(_ index: Progression, _ roles: [Role]) -> PythonExpression {
    let range = PythonExpression.name("range")
    let stop = index.start + index.step * (count - 1) + 1
    if index.step != 1 { return range.call(.integer(index.start), .integer(stop), .integer(index.step)) }
    for case (let hole, .formatted(_, _, index.start)) in zip(run.holes, roles) {
      guard case .key(let base) = hole.kind, base.isRooted(in: "params"), size(base) == .dict(count),
        !base.freeNames.contains(where: { $0.hasPrefix("\u{0}") })
      else { continue }
      let length = PythonExpression.name("len").call(base)
      return index.start == 0 ? range.call(length) : range.call(.integer(index.start), length + .integer(index.start))
    }
    return index.start == 0 ? range.call(.integer(stop)) : range.call(.integer(index.start), .integer(stop))
  }
}

extension RepeatedStatements.Hole {
  /// Whether it is the number of an element of a list that is the same in all turns.
  fileprivate var isElement: Bool {
    guard case .key(let base) = kind, case .integer = values[0] else { return false }
    return !base.freeNames.contains { $0.hasPrefix("\u{0}") }
  }
}

extension PythonExpression {
  /// Statements in which an inner loop that reads `self if index == 0 else 1` reads `self`, and sets it to 1 at its end.
  fileprivate func takingEffectOnce(in statements: [PythonStatement]) -> [PythonStatement] {
    var choices: Set<PythonExpression> = []
    var reads = 0
    func visit(_ expression: PythonExpression) {
      if expression == self { reads += 1 }
      if case .conditional(self, _, _) = expression { choices.insert(expression) }
      expression.children.forEach(visit)
    }
    guard let position = statements.firstIndex(where: { if case .for = $0 { true } else { false } }),
      case .for(let target, in: let iterable, let body) = statements[position]
    else { return statements }
    _ = statements.map {
      $0.mapExpressions {
        visit($0); return $0
      }
    }
    guard choices.count == 1, let choice = choices.first, case .conditional(_, let test, let other) = choice,
      other.isConstant, let counter = target.targetNames.first,
      test == PythonExpression.name(counter).compared(.equal, 0)
    else { return statements }
    var used = 0
    let changed = body.map { $0.mapExpressions { $0.replacing(choice, by: self, &used) } }
    guard used == reads else { return statements }
    var result = statements
    result[position] = .for(target, in: iterable, body: changed + [.assign(self, other)])
    return result
  }

  private func replacing(_ old: PythonExpression, by new: PythonExpression, _ count: inout Int) -> PythonExpression {
    if self == old {
      count += 1
      return new
    }
    return mapChildren { $0.replacing(old, by: new, &count) }
  }
}

extension RepeatedStatements.GrowingList {
  /// A name for what is appended to, after what is appended.
  fileprivate var name: String {
    guard var name = appended.first else { return "values" }
    while let last = name.last, last.isNumber || last == "_" { name.removeLast() }
    if name.hasPrefix("new_") { name.removeFirst(4) }
    return name.isEmpty ? "values" : name.hasSuffix("s") ? name : name + "s"
  }
}

extension PythonExpression {
  /// Whether it is the tree of this name or a node of it.
  package func isRooted(in name: String) -> Bool {
    switch self {
    case .name(let own): own == name
    case .subscript(let base, _): base.isRooted(in: name)
    default: false
    }
  }

  /// A name for one of the list's elements.
  fileprivate var elementName: String {
    switch self {
    case .name("keys"): return "key"
    case .name: return isRooted(in: "state") ? "layer_state" : "layer"
    case .subscript(_, .string(let text)):
      let letters = text.filter { !$0.isNumber }
      let singular = letters.count > 2 && letters.hasSuffix("s") ? String(letters.dropLast()) : letters
      let name = singular.count < 2 ? "layer" : PythonIdentifier.snakeCase(singular)
      return isRooted(in: "state") ? "\(name)_state" : name
    default: return "item"
    }
  }
}
