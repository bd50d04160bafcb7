import GraftSyntax
import OrderedCollections

/// Runs of statements that do the same: one body, and what differs between its turns.
///
/// Turns may differ in the keys by which they read the parameters, in constants, and in the names of what they compute:
/// a turn may read what the one before it computed.
struct RepeatedStatements {
  /// Something that differs between turns.
  struct Hole: Hashable {
    enum Kind: Hashable {
      /// The key of an element of a tree, which may have holes itself.
      case key(of: PythonExpression)
      /// A constant; `parameter` is what it is passed for.
      case constant(parameter: String?)
      /// A variable that none of the turns assigns; `parameter` is what it is passed for.
      case variable(parameter: String?)
    }

    var kind: Kind
    /// In each turn.
    var values: [PythonExpression]
  }

  /// A list to which each turn appends.
  struct GrowingList {
    var start: [PythonExpression]
    var appended: [String]
    /// What it consists of after the last turn.
    var end: [PythonExpression]
  }

  let turns: [[PythonStatement]]
  private(set) var holes: [Hole] = []
  /// By name in the last turn, what the first turn reads where later ones read what the turn before computed.
  private(set) var starts: OrderedDictionary<String, PythonExpression> = [:]
  private(set) var lists: [GrowingList] = []
  private(set) var body: [PythonStatement] = []

  /// What each turn assigns, in order.
  let assigned: [[String]]
  private var isAssigned: [Set<String>]
  private let allAssigned: Set<String>
  private let signatures: [String: AntiUnifier.Signature]

  /// - Returns: nil if the turns do not do the same.
  init?(_ turns: [[PythonStatement]], signatures: [String: AntiUnifier.Signature]) {
    self.turns = turns
    self.signatures = signatures
    assigned = turns.map { turn in Array(OrderedSet(turn.flatMap(\.allAssignedNames))) }
    isAssigned = turns.map { _ in [] }
    allAssigned = Set(assigned.joined())
    guard assigned.allSatisfy({ $0.count == assigned[0].count }), let body = unify(turns) else { return nil }
    self.body = body
  }

  static func hole(_ number: Int) -> PythonExpression { .name("\u{0}\(number)") }
  static func list(_ number: Int) -> PythonExpression { .name("\u{1}\(number)") }

  // MARK: Statements

  private mutating func unify(_ bodies: [[PythonStatement]]) -> [PythonStatement]? {
    guard bodies.allSatisfy({ $0.count == bodies[0].count }) else { return nil }
    var unified: [PythonStatement] = []
    for index in bodies[0].indices {
      guard let statement = unify(bodies.map { $0[index] }) else { return nil }
      unified.append(statement)
    }
    return unified
  }

  private mutating func unify(_ statements: [PythonStatement]) -> PythonStatement? {
    switch statements[0] {
    case .assign(let targets, _):
      var values: [PythonExpression] = []
      var allTargets: [[PythonExpression]] = []
      for case .assign(let targets, let value) in statements {
        values.append(value)
        allTargets.append(targets)
      }
      guard values.count == statements.count, let value = unify(values),
        allTargets.allSatisfy({ $0.count == targets.count })
      else { return nil }
      var unified: [PythonExpression] = []
      for index in targets.indices {
        guard let target = unify(targets: allTargets.map { $0[index] }) else { return nil }
        unified.append(target)
      }
      return .assign(unified, value)
    case .for:
      var parts: (targets: [PythonExpression], iterables: [PythonExpression], bodies: [[PythonStatement]]) = (
        [], [], []
      )
      for case .for(let target, in: let iterable, let body) in statements {
        parts.targets.append(target)
        parts.iterables.append(iterable)
        parts.bodies.append(body)
      }
      guard parts.bodies.count == statements.count, let iterable = unify(parts.iterables),
        let target = unify(targets: parts.targets), let body = unify(parts.bodies)
      else { return nil }
      return .for(target, in: iterable, body: body)
    case .expression:
      let values = statements.compactMap { if case .expression(let value) = $0 { value } else { nil } }
      guard values.count == statements.count, let value = unify(values) else { return nil }
      return .expression(value)
    default: return nil
    }
  }

  /// Targets; from here on the names among them mean what the turn has computed.
  private mutating func unify(targets: [PythonExpression]) -> PythonExpression? {
    guard let first = targets.first else { return nil }
    switch first {
    case .name(let name):
      guard let position = assigned[0].firstIndex(of: name) else { return nil }
      for (turn, target) in targets.enumerated() {
        guard case .name(let own) = target, assigned[turn][position] == own else { return nil }
        isAssigned[turn].insert(own)
      }
      return .name(assigned[turns.count - 1][position])
    case .tuple(let items):
      var all: [[PythonExpression]] = []
      for case .tuple(let others) in targets where others.count == items.count { all.append(others) }
      guard all.count == targets.count else { return nil }
      var unified: [PythonExpression] = []
      for index in items.indices {
        guard let target = unify(targets: all.map { $0[index] }) else { return nil }
        unified.append(target)
      }
      return .tuple(unified)
    default: return unify(targets)
    }
  }

  // MARK: Expressions

  private mutating func unify(_ expressions: [PythonExpression], for parameter: String? = nil) -> PythonExpression? {
    guard expressions.count == turns.count, let first = expressions.first else { return nil }
    if let name = unify(names: expressions) { return name }
    if case .name = first { return unify(variables: expressions, for: parameter) }
    if let element = unify(elements: expressions) { return element }
    if expressions.allSatisfy(\.isConstant) {
      return expressions.allSatisfy { $0 == first } ? first : hole(.constant(parameter: parameter), expressions)
    }
    if let choice = unify(choices: expressions, for: parameter) { return choice }
    if case .call = first { return unify(calls: expressions) }
    if let list = unify(growing: expressions) { return list }
    let heads = expressions.map { $0.mapChildren { _ in .none } }
    guard heads.allSatisfy({ $0 == heads[0] }) else { return nil }
    return unify(childrenOf: expressions, for: parameter)
  }

  private mutating func unify(childrenOf expressions: [PythonExpression], for parameter: String?) -> PythonExpression? {
    let children = expressions.map(\.children)
    guard children.allSatisfy({ $0.count == children[0].count }) else { return nil }
    var unified: [PythonExpression] = []
    for index in children[0].indices {
      guard let child = unify(children.map { $0[index] }, for: parameter) else { return nil }
      unified.append(child)
    }
    var next = unified.makeIterator()
    return expressions[0].mapChildren { next.next() ?? $0 }
  }

  private mutating func hole(_ kind: Hole.Kind, _ values: [PythonExpression]) -> PythonExpression {
    let hole = Hole(kind: kind, values: values)
    if let known = holes.firstIndex(of: hole) { return Self.hole(known) }
    holes.append(hole)
    return Self.hole(holes.count - 1)
  }

  /// The name that all turns mean; nil if they mean different ones.
  private mutating func unify(names expressions: [PythonExpression]) -> PythonExpression? {
    let last = turns.count - 1
    guard case .name(let name) = expressions[last] else { return nil }
    if isAssigned[last].contains(name) {
      guard let position = assigned[last].firstIndex(of: name) else { return nil }
      for (turn, expression) in expressions.enumerated() {
        guard case .name(let own) = expression, own == assigned[turn][position], isAssigned[turn].contains(own) else {
          return nil
        }
      }
      return .name(name)
    }
    guard let position = assigned[last - 1].firstIndex(of: name) else {
      return allAssigned.contains(name) || expressions.contains { $0 != .name(name) } ? nil : .name(name)
    }
    for (turn, expression) in expressions.enumerated().dropFirst() {
      guard expression == .name(assigned[turn - 1][position]), !isAssigned[turn].contains(assigned[turn][position])
      else { return nil }
    }
    let start = expressions[0]
    let isFree = start.freeNames.allSatisfy { !isAssigned[0].contains($0) }
    guard start.isTrivial, isFree, !isAssigned[0].contains(assigned[0][position]) else { return nil }
    let common = assigned[last][position]
    guard starts[common] == nil || starts[common] == start else { return nil }
    starts[common] = start
    return .name(common)
  }

  /// Variables from before the turns, another one in each.
  private mutating func unify(variables expressions: [PythonExpression], for parameter: String?) -> PythonExpression? {
    let areFixed = expressions.allSatisfy { expression in
      guard case .name(let name) = expression else { return false }
      return !allAssigned.contains(name) && !expression.isTreeAccess
    }
    return areFixed ? hole(.variable(parameter: parameter), expressions) : nil
  }

  /// `params["blocks"][0]`, `params["blocks"][1]`
  private mutating func unify(elements expressions: [PythonExpression]) -> PythonExpression? {
    var bases: [PythonExpression] = []
    var keys: [PythonExpression] = []
    for case .subscript(let base, let key) in expressions where base.isTreeAccess && key.isKey {
      bases.append(base)
      keys.append(key)
    }
    guard bases.count == expressions.count, let base = unify(bases) else { return nil }
    if keys.allSatisfy({ $0 == keys[0] }) { return .subscript(base, keys[0]) }
    return .subscript(base, hole(.key(of: base), keys))
  }

  /// `2 if index == 0 else 1` beside plain constants.
  private mutating func unify(choices expressions: [PythonExpression], for parameter: String?) -> PythonExpression? {
    var test: PythonExpression?
    for case .conditional(_, let own, _) in expressions {
      guard test == nil || test == own else { return nil }
      test = own
    }
    guard let test else { return nil }
    var bodies: [PythonExpression] = []
    var others: [PythonExpression] = []
    for expression in expressions {
      if case .conditional(let body, _, let other) = expression {
        bodies.append(body)
        others.append(other)
      } else if expression.isConstant {
        bodies.append(expression)
        others.append(expression)
      } else {
        return nil
      }
    }
    guard let unifiedTest = unify(Array(repeating: test, count: expressions.count)),
      let body = unify(bodies, for: parameter), let other = unify(others, for: parameter)
    else { return nil }
    return .conditional(body: body, test: unifiedTest, orElse: other)
  }

  private mutating func unify(calls: [PythonExpression]) -> PythonExpression? {
    guard let aligned = AlignedCalls(calls, signatures: signatures), let function = unify(functions: aligned.functions)
    else { return nil }
    var arguments: [PythonArgument] = []
    for (name, values) in aligned.positional {
      guard let value = unify(values, for: name) else { return nil }
      arguments.append(.positional(value))
    }
    for (name, values) in aligned.keywords {
      guard let value = unify(values, for: name) else { return nil }
      arguments.append(.keyword(name, value))
    }
    return .call(function, arguments)
  }

  private mutating func unify(functions: [PythonExpression]) -> PythonExpression? {
    if case .name = functions[0] { return unify(names: functions) }
    return unify(functions)
  }

  /// A list that is longer in each turn by what the turn before it computed.
  private mutating func unify(growing expressions: [PythonExpression]) -> PythonExpression? {
    var all: [[PythonExpression]] = []
    for case .list(let items) in expressions { all.append(items) }
    guard all.count == expressions.count, all.count > 1, all[1].count > all[0].count else { return nil }
    var positions: [Int]?
    for turn in 1..<all.count {
      let (previous, own) = (all[turn - 1], all[turn])
      guard own.count > previous.count, Array(own.prefix(previous.count)) == previous else { return nil }
      var appended: [Int] = []
      for case .name(let name) in own[previous.count...] {
        guard let position = assigned[turn - 1].firstIndex(of: name) else { return nil }
        appended.append(position)
      }
      guard appended.count == own.count - previous.count, positions == nil || positions == appended else { return nil }
      positions = appended
    }
    guard let positions, all[0].flatMap(\.freeNames).allSatisfy({ !allAssigned.contains($0) }) else { return nil }
    let names = positions.map { assigned[turns.count - 1][$0] }
    let list = GrowingList(start: all[0], appended: names, end: all[turns.count - 1] + names.map { .name($0) })
    if let known = lists.firstIndex(where: { $0.end == list.end }) { return Self.list(known) }
    lists.append(list)
    return Self.list(lists.count - 1)
  }
}

extension PythonExpression {
  fileprivate var isKey: Bool {
    switch self {
    case .integer, .string: true
    default: false
    }
  }
}
