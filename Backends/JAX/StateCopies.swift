import GraftEmit
import GraftSyntax

/// Lets a function that stores into `new_state` begin with a copy of the state, as deep as it stores: of each node that it
/// stores into, at the beginning of the loop's or branch's body that the node depends on.
struct StateCopies {
  /// The function's state.
  private let tree: ParameterTree
  /// The paths that each copied node may have.
  private var copied: [Set<String>] = []

  private static let root = "new_state"
  /// With more nodes than this a copy of the whole tree takes less to read.
  private static let mostNodes = 3

  init(of tree: ParameterTree) { self.tree = tree }

  /// - Parameter wholeTree: a copy of the whole state, for nodes that are many or cannot be told apart.
  mutating func copying(in body: [PythonStatement], wholeTree: () -> PythonExpression) -> [PythonStatement] {
    guard body.contains(where: \.storesState) else { return body }
    let copy = PythonStatement.assign(.name(Self.root), .name(tree.isList("") ? "list" : "dict").call("state"))
    if let copying = copies(in: body, below: [], variables: [:]) { return [copy] + copying }
    return [.assign(.name(Self.root), wholeTree())] + body
  }

  /// The statements after copies of what they store into; nil unless every node is known to be copied just once.
  ///
  /// - Parameter outer: the nodes that are copied already.
  private mutating func copies(
    in block: [PythonStatement], below outer: Set<PythonExpression>, variables: [String: LoopVariable]
  ) -> [PythonStatement]? {
    var nodes: [PythonExpression] = []
    for node in block.flatMap({ $0.storedNodes(in: Self.root) }) where !outer.contains(node) && !nodes.contains(node) {
      nodes.append(node)
    }
    var statements: [PythonStatement] = []
    for node in nodes {
      guard let copy = copy(of: node, variables) else { return nil }
      statements.append(copy)
    }
    let done = outer.union(nodes)
    for statement in block {
      switch statement {
      case .for(let target, let iterable, let body):
        let inner = variables.merging(LoopVariable.all(of: target, in: iterable)) { $1 }
        guard let body = copies(in: body, below: done, variables: inner) else { return nil }
        statements.append(.for(target, in: iterable, body: body))
      case .if(var branches, var orElse):
        for index in branches.indices {
          guard let body = copies(in: branches[index].body, below: done, variables: variables) else { return nil }
          branches[index].body = body
        }
        guard let body = copies(in: orElse, below: done, variables: variables) else { return nil }
        orElse = body
        statements.append(.if(branches, orElse: orElse))
      case .assign: statements.append(statement)
      default:
        if statement.storesState { return nil }
        statements.append(statement)
      }
    }
    return statements
  }

  /// `new_state["layers"] = list(state["layers"])`; nil where the node may have been copied before.
  private mutating func copy(of node: PythonExpression, _ variables: [String: LoopVariable]) -> PythonStatement? {
    let paths = paths(of: node, variables)
    let kinds = Set(paths.map(tree.isList))
    guard copied.count < Self.mostNodes, kinds.count == 1, let isList = kinds.first,
      copied.allSatisfy({ $0.isDisjoint(with: paths) })
    else { return nil }
    copied.append(paths)
    let original = node.substituting([Self.root: "state"])
    return .assign(node, .name(isList ? "list" : "dict").call(original))
  }

  /// The paths that a node may have, in turns of loops too; none if two turns may mean the same node.
  private func paths(of node: PythonExpression, _ variables: [String: LoopVariable]) -> Set<String> {
    guard case .subscript(let base, let key) = node else { return [""] }
    let parents = paths(of: base, variables)
    let names: [String]?
    switch key {
    case .string(let name): names = [name]
    case .integer(let number): names = [String(number)]
    case .name(let name):
      guard let variable = variables[name] else { return [] }
      names = variable.values
    default:
      guard key.freeNames.count == 1, variables[key.freeNames[0]] != nil else { return [] }
      names = nil
    }
    let all = parents.flatMap { parent in (names ?? tree.children(of: parent)).map { parent.appendingPath($0) } }
    return Set(all.filter { tree.size($0) != nil })
  }
}

/// A loop's variable that is different in each turn.
private struct LoopVariable {
  /// Its values where they are constants that stand in the loop's head.
  var values: [String]?

  /// The variables of a loop by name: those that count, and those of rows that are written out.
  static func all(of target: PythonExpression, in iterable: PythonExpression) -> [String: LoopVariable] {
    switch (target, iterable) {
    case (.name(let name), .call(.name("range"), _)): return [name: LoopVariable()]
    case (.tuple(let targets), .call(.name("enumerate"), let arguments)):
      guard case .name(let counter)? = targets.first, targets.count == 2, let inner = arguments.first?.value else {
        return [:]
      }
      return all(of: targets[1], in: inner).merging([counter: LoopVariable()]) { $1 }
    case (.tuple(let targets), .call(.name("zip"), let arguments)) where targets.count == arguments.count:
      return zip(targets, arguments).reduce(into: [:]) { found, pair in
        found.merge(all(of: pair.0, in: pair.1.value)) { $1 }
      }
    case (.tuple(let targets), .tuple(let rows)):
      return targets.enumerated().reduce(into: [:]) { found, column in
        let values = rows.map { row -> PythonExpression in
          if case .tuple(let items) = row, items.count == targets.count { items[column.offset] } else { .none }
        }
        found.merge(all(of: column.element, in: .tuple(values))) { $1 }
      }
    case (.name(let name), .tuple(let items)):
      let values = items.compactMap { item -> String? in
        switch item {
        case .string(let text): text
        case .integer(let number): String(number)
        default: nil
        }
      }
      return values.count == items.count && Set(values).count == values.count
        ? [name: LoopVariable(values: values)] : [:]
    default: return [:]
    }
  }
}

extension PythonStatement {
  /// Whether the statement, or one within it, stores into the new state.
  fileprivate var storesState: Bool {
    switch self {
    case .assign(let targets, _): targets.contains { !$0.stored(in: "new_state").isEmpty }
    case .for(_, _, let body), .while(_, let body), .with(_, let body): body.contains(where: \.storesState)
    case .if(let branches, let orElse): (branches.flatMap(\.body) + orElse).contains(where: \.storesState)
    default: false
    }
  }

  /// The nodes of a tree that the statement stores into, but for the root, outer ones first; of a loop those that are the
  /// same in every turn, of branches none.
  fileprivate func storedNodes(in root: String) -> [PythonExpression] {
    switch self {
    case .assign(let targets, _): targets.flatMap { $0.stored(in: root) }.flatMap(\.enclosingNodes)
    case .for(_, _, let body):
      body.flatMap { $0.storedNodes(in: root) }.filter {
        Set($0.freeNames).isDisjoint(with: allAssignedNames)
      }
    default: []
    }
  }
}

extension PythonExpression {
  /// The elements of a tree that an assignment to this target stores.
  fileprivate func stored(in root: String) -> [PythonExpression] {
    switch self {
    case .tuple(let items): items.flatMap { $0.stored(in: root) }
    case .subscript: isRooted(in: root) ? [self] : []
    default: []
    }
  }

  /// `t["a"]`, `t["a"][0]` of `t["a"][0]["b"]`.
  fileprivate var enclosingNodes: [PythonExpression] {
    guard case .subscript(let base, _) = self, case .subscript = base else { return [] }
    return base.enclosingNodes + [base]
  }
}
