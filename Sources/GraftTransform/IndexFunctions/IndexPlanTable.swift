import GraftIR
import GraftOps
import OrderedCollections

/// Operations that may be written, each distinct one once, so that what expressions share is counted once.
struct IndexPlanTable {
  /// What stands in an operand position of a planned operation.
  enum Reference: Hashable {
    case value(Value)
    case scalar(Scalar)
    case absent
    case list([Reference])
    case node(Int)
  }

  struct Node: Hashable {
    var op: String
    var operands: [Reference]
    var attributes: OrderedDictionary<String, Attribute>
    /// Which of several results is meant.
    var result = 0
  }

  private(set) var nodes: [Node] = []
  private var numbers: [Node: Int] = [:]
  private var closures: [[Int]] = []

  /// The operation, or one that was planned before and yields the same with its operands in another order.
  mutating func node(_ node: Node) -> Reference {
    let key = node.ordered
    if let number = numbers[key] { return .node(number) }
    let number = nodes.count
    var closure: OrderedSet<Int> = []
    for inner in node.operands.flatMap(nodesUsed) { closure.append(inner) }
    closure.append(number)
    nodes.append(node)
    numbers[key] = number
    closures.append(Array(closure))
    return .node(number)
  }

  mutating func node(
    _ definition: OpDefinition, _ operands: Reference..., attributes: OrderedDictionary<String, Attribute> = [:]
  ) -> Reference {
    node(Node(op: definition.name, operands: operands, attributes: definition.canonical(attributes)))
  }

  /// `reference` under another shape, without the reshape that it may be itself.
  mutating func reshape(_ reference: Reference, to shape: [Dim]) -> Reference {
    var inner = reference
    if case .node(let number) = reference, nodes[number].op == OpDefinition.reshape.name {
      inner = nodes[number].operands[0]
    }
    return node(.reshape, inner, attributes: ["shape": .dims(shape)])
  }

  /// The numbers of the operations that have to be written for what a reference stands for.
  func nodesUsed(_ reference: Reference) -> [Int] {
    switch reference {
    case .node(let number): closures[number]
    case .list(let parts): parts.flatMap(nodesUsed)
    case .value, .scalar, .absent: []
    }
  }
}

extension IndexPlanTable.Node {
  private static let commutative: Set<String> = [
    "add", "multiply", "maximum", "minimum", "equal", "not_equal", "bitwise_and", "bitwise_or", "bitwise_xor",
  ]
  private static let mirrored = ["greater": "less", "greater_equal": "less_equal"]

  /// The same operation with operands that may be exchanged in one order.
  fileprivate var ordered: Self {
    guard operands.count == 2 else { return self }
    var node = self
    if Self.commutative.contains(op), operands[1].rank < operands[0].rank {
      node.operands.swapAt(0, 1)
    } else if let mirror = Self.mirrored[op] {
      node.op = mirror
      node.operands.swapAt(0, 1)
    }
    return node
  }
}

extension IndexPlanTable.Reference {
  fileprivate var rank: (kind: Int, number: Int) {
    switch self {
    case .value(let value): (0, value.id)
    case .node(let number): (1, number)
    case .scalar, .absent, .list: (2, 0)
    }
  }
}

extension OpDefinition {
  /// The attributes in one form, without those at their default.
  func canonical(_ attributes: OrderedDictionary<String, Attribute>) -> OrderedDictionary<String, Attribute> {
    var canonical: OrderedDictionary<String, Attribute> = [:]
    for spec in self.attributes {
      guard let value = attributes[spec.name]?.canonical, value != spec.defaultValue?.canonical else { continue }
      canonical[spec.name] = value
    }
    return canonical
  }
}
