import GraftIR
import OrderedCollections

/// The operations of one function, cut into those of its own and the calls within.
struct CallPartition {
  /// An operation and the calls around it that have not been cut out or dissolved yet, outermost first.
  struct Item {
    var operation: Operation
    var calls: ArraySlice<Call>

    init(_ operation: Operation, calls: ArraySlice<Call>) {
      self.operation = operation
      self.calls = calls
    }
  }

  /// In an order in which every value is computed before it is used.
  enum Element {
    case operation(Item)
    /// Everything that one call computes.
    case call(Call, [Item])

    var items: [Item] {
      switch self {
      case .operation(let item): [item]
      case .call(_, let items): items
      }
    }
  }

  private var items: [Item]
  private let accepts: (Call, [Item]) -> Bool

  /// - Parameter accepts: whether the call is to be a function; else its operations, and the calls within, are the
  ///   caller's own.
  init(_ items: [Item], accepting accepts: @escaping (Call, [Item]) -> Bool) {
    self.items = items
    self.accepts = accepts
  }

  mutating func elements() -> [Element] {
    while true {
      let groups = grouped()
      let refused = groups.filter { !accepts($0.key, $0.value.map { items[$0] }) }
      if !refused.isEmpty {
        for members in refused.values { dissolve(members) }
        continue
      }
      switch ordered(groups) {
      case .success(let elements): return elements
      case .failure(let cycle): dissolve(cycle.members)
      }
    }
  }

  /// The members of each outermost call, by position.
  private func grouped() -> OrderedDictionary<Call, [Int]> {
    var groups: OrderedDictionary<Call, [Int]> = [:]
    for (index, item) in items.enumerated() {
      if let call = item.calls.first { groups[call, default: []].append(index) }
    }
    return groups
  }

  private mutating func dissolve(_ members: [Int]) {
    for index in members { items[index].calls.removeFirst() }
  }

  /// A call that depends on something that depends on it.
  private struct Cycle: Error {
    var members: [Int]
  }

  /// Sorts so that operands come first, and otherwise by the last of each element's operations.
  private func ordered(_ groups: OrderedDictionary<Call, [Int]>) -> Result<[Element], Cycle> {
    var nodes: [(element: Element, last: Int, members: [Int])] = []
    for (call, members) in groups {
      nodes.append((.call(call, members.map { items[$0] }), members.last ?? 0, members))
    }
    for (index, item) in items.enumerated() where item.calls.isEmpty {
      nodes.append((.operation(item), index, [index]))
    }
    nodes.sort { $0.last < $1.last }
    var producer: [Value: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for value in node.element.items.flatMap(\.operation.results) { producer[value] = index }
    }
    let dependencies = nodes.enumerated().map { index, node in
      Set(node.element.items.flatMap(\.operation.usedValues).compactMap { producer[$0] }).subtracting([index])
    }
    var isDone = Array(repeating: false, count: nodes.count)
    var order: [Element] = []
    var firstOpen = 0
    while order.count < nodes.count {
      while isDone[firstOpen] { firstOpen += 1 }
      let ready = (firstOpen..<nodes.count).first { index in
        !isDone[index] && dependencies[index].allSatisfy { isDone[$0] }
      }
      guard let ready else {
        let stuck = nodes.indices.first { !isDone[$0] && nodes[$0].members.count > 1 } ?? firstOpen
        return .failure(Cycle(members: nodes[stuck].members))
      }
      isDone[ready] = true
      order.append(nodes[ready].element)
    }
    return .success(order)
  }
}
