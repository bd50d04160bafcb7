package import GraftIR
package import OrderedCollections

/// An op applied to operands, seen through its definition: names instead of positions, defaults filled in.
package struct OpCall {
  package let definition: OpDefinition
  package let operands: [Operand]
  package let attributes: OrderedDictionary<String, Attribute>
  /// Empty while types are being inferred.
  package let results: [Value]
  package let regions: [Block]
  /// The values to which a gradient is asked for; nil for all.
  package var varying: Set<Value>?
  let typeOf: (Value) -> TensorType

  package init(
    _ definition: OpDefinition, operands: [Operand], attributes: OrderedDictionary<String, Attribute>,
    results: [Value] = [], regions: [Block] = [], typeOf: @escaping (Value) -> TensorType
  ) {
    self.definition = definition
    self.operands = operands
    self.attributes = attributes
    self.results = results
    self.regions = regions
    self.typeOf = typeOf
  }

  package init(_ operation: Operation, of definition: OpDefinition, in function: Function) {
    self.init(
      definition, operands: operation.operands, attributes: operation.attributes, results: operation.results,
      regions: operation.regions, typeOf: { function.type(of: $0) })
  }

  func problem(_ message: String) -> Diagnostic { Diagnostic(.invalidProgram, "\(definition.name): \(message)") }
}

// MARK: - Operands

extension OpCall {
  /// The operand at a position; absent when fewer were given.
  package subscript(_ index: Int) -> Operand { operands.indices.contains(index) ? operands[index] : .absent }

  package subscript(_ name: String) -> Operand { definition.operandIndex(name).map { self[$0] } ?? .absent }

  /// The type of the tensor at a position.
  ///
  /// - Throws: ``Diagnostic`` when there is no tensor.
  package func type(_ index: Int) throws -> TensorType {
    guard let value = self[index].asValue else {
      let name = definition.operands.indices.contains(index) ? definition.operands[index].name : "\(index)"
      throw problem("operand `\(name)` must be a tensor")
    }
    return typeOf(value)
  }

  package func type(_ name: String) throws -> TensorType {
    guard let index = definition.operandIndex(name) else { throw problem("has no operand `\(name)`") }
    return try type(index)
  }

  /// The type of an operand if a tensor was given there.
  package func optionalType(_ name: String) -> TensorType? { self[name].asValue.map(typeOf) }

  package func type(of value: Value) -> TensorType { typeOf(value) }

  /// The types of a variadic operand's tensors.
  package func types(_ index: Int) throws -> [TensorType] {
    guard case .list(let values) = self[index] else { throw problem("operand \(index) must be a list of tensors") }
    return values.map(typeOf)
  }

  /// Whether a gradient is asked for with respect to an operand.
  package func isVarying(_ index: Int) -> Bool {
    self[index].values.contains { varying?.contains($0) ?? true }
  }

  /// The single result as an operand.
  package var result: Operand { results.first.map { .value($0) } ?? .absent }
}

// MARK: - Attributes

extension OpCall {
  /// The attribute as given, or its default.
  package func attribute(_ name: String) throws -> Attribute {
    if let given = attributes[name] { return given }
    guard let fallback = definition.attribute(name)?.defaultValue else {
      throw problem("attribute `\(name)` is missing")
    }
    return fallback
  }

  private func read<T>(_ name: String, _ kind: String, _ convert: (Attribute) -> T?) throws -> T {
    let value = try attribute(name)
    guard let converted = convert(value) else { throw problem("attribute `\(name)` must be \(kind)") }
    return converted
  }

  package func bool(_ name: String) throws -> Bool { try read(name, "true or false", \.asBool) }
  package func int(_ name: String) throws -> Int { try read(name, "a known integer", \.asInt) }
  package func dim(_ name: String) throws -> Dim { try read(name, "an integer", \.asDim) }
  package func ints(_ name: String) throws -> [Int] { try read(name, "a list of known integers", \.asInts) }
  package func dims(_ name: String) throws -> [Dim] { try read(name, "a list of integers", \.asDims) }
  package func double(_ name: String) throws -> Double { try read(name, "a number", \.asDouble) }
  package func string(_ name: String) throws -> String { try read(name, "a word", \.asString) }
  package func dtype(_ name: String) throws -> DType { try read(name, "an element type", \.asDType) }
  package func scalar(_ name: String) throws -> Scalar { try read(name, "a number", \.asScalar) }

  /// An attribute that may be `none`.
  package func optional(_ name: String) throws -> Attribute? {
    let value = try attribute(name)
    return value.isNone ? nil : value
  }

  /// A non-negative axis within `rank`.
  package func axis(_ name: String, rank: Int) throws -> Int {
    let axis = try int(name)
    guard axis >= 0, axis < rank else { throw problem("axis \(axis) is outside a tensor of rank \(rank)") }
    return axis
  }

  /// Distinct non-negative axes within `rank`.
  package func axes(_ name: String, rank: Int) throws -> [Int] {
    let axes = try ints(name)
    guard axes.allSatisfy({ $0 >= 0 && $0 < rank }), Set(axes).count == axes.count else {
      throw problem("axes \(axes) do not fit a tensor of rank \(rank)")
    }
    return axes
  }
}
