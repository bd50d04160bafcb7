package import OrderedCollections

/// A tensor computed by the program, named by its number in its function.
package struct Value: Hashable, Sendable, Comparable {
  package let id: Int
  package init(_ id: Int) { self.id = id }
  package static func < (a: Value, b: Value) -> Bool { a.id < b.id }
}

/// What stands in an operand position.
package enum Operand: Hashable, Sendable {
  case value(Value)
  /// A number written in place; it takes its type from the tensors beside it.
  case scalar(Scalar)
  /// An optional operand that was left out.
  case absent
  /// A variadic operand: `concat`'s tensors.
  case list([Value])

  package static func int(_ value: Int) -> Operand { .scalar(.int(value)) }
  package static func float(_ value: Double) -> Operand { .scalar(.float(value)) }
  package static func bool(_ value: Bool) -> Operand { .scalar(.bool(value)) }

  package var asValue: Value? { if case .value(let value) = self { value } else { nil } }
  package var asScalar: Scalar? { if case .scalar(let scalar) = self { scalar } else { nil } }
  package var isAbsent: Bool { self == .absent }

  /// Every value that the operand refers to.
  package var values: [Value] {
    switch self {
    case .value(let value): [value]
    case .list(let values): values
    case .scalar, .absent: []
    }
  }

  package func mapValues(_ transform: (Value) -> Value) -> Operand {
    switch self {
    case .value(let value): .value(transform(value))
    case .list(let values): .list(values.map(transform))
    case .scalar, .absent: self
    }
  }
}

/// One application of an op of the catalogue.
package struct Operation: Hashable, Sendable {
  /// The op's name in the catalogue.
  package var name: String
  package var operands: [Operand]
  /// In the catalogue's order; attributes at their default may be left out.
  package var attributes: OrderedDictionary<String, Attribute>
  package var results: [Value]
  package var regions: [Block]
  package var origin: Origin

  package init(
    _ name: String, _ operands: [Operand], attributes: OrderedDictionary<String, Attribute> = [:], results: [Value],
    regions: [Block] = [], origin: Origin = .unknown
  ) {
    self.name = name
    self.operands = operands
    self.attributes = attributes
    self.results = results
    self.regions = regions
    self.origin = origin
  }

  /// Every value that the operation or its regions read from outside.
  package var usedValues: [Value] {
    operands.flatMap(\.values) + regions.flatMap(\.freeValues)
  }
}

/// Operations in order, with arguments and results; a region of an operation, or a function's body.
package struct Block: Hashable, Sendable {
  package var arguments: [Value]
  package var operations: [Operation]
  package var results: [Operand]

  package init(arguments: [Value] = [], operations: [Operation] = [], results: [Operand] = []) {
    self.arguments = arguments
    self.operations = operations
    self.results = results
  }

  /// The values used inside that are defined outside, in order of first use.
  package var freeValues: [Value] {
    var defined = Set(arguments)
    var free: OrderedSet<Value> = []
    for operation in operations {
      for value in operation.usedValues where !defined.contains(value) { free.append(value) }
      defined.formUnion(operation.results)
    }
    for value in results.flatMap(\.values) where !defined.contains(value) { free.append(value) }
    return Array(free)
  }
}
