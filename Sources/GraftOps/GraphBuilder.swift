package import GraftIR
package import OrderedCollections

/// Appends operations to a function, inferring their types.
///
/// Calling the builder applies an op: `try b(.multiply, x, .float(2))`.
package final class GraphBuilder {
  package var function: Function
  package private(set) var operations: [Operation] = []
  /// Where the operations that are appended next come from.
  package var origin: Origin = .unknown

  package init(_ function: Function) { self.function = function }

  /// The function with the appended operations as its body.
  package func finished(results: [Operand]? = nil) -> Function {
    var function = function
    function.body.operations = operations
    if let results { function.body.results = results }
    return function
  }

  /// Applies an op that has one result.
  @discardableResult
  package func callAsFunction(
    _ definition: OpDefinition, _ operands: Operand..., attributes: OrderedDictionary<String, Attribute> = [:]
  ) throws -> Operand {
    try apply(definition, operands, attributes: attributes)[0]
  }

  /// Applies an op and returns all its results.
  ///
  /// - Throws: ``Diagnostic`` when the operands or attributes do not fit the op.
  @discardableResult
  package func apply(
    _ definition: OpDefinition, _ operands: [Operand], attributes: OrderedDictionary<String, Attribute> = [:],
    regions: [Block] = [], hints: [String?] = []
  ) throws -> [Operand] {
    let types = try definition.resultTypes(operands: operands, attributes: attributes, regions: regions, in: function)
    let results = types.enumerated().map { index, type in
      function.makeValue(type, hint: hints.indices.contains(index) ? hints[index] : nil)
    }
    operations.append(
      Operation(
        definition.name, operands,
        attributes: attributes.mapValues(\.canonical).filter {
          definition.attribute($0.key)?.defaultValue?.canonical != $0.value
        },
        results: results, regions: regions, origin: origin))
    return results.map { .value($0) }
  }

  /// Appends an operation whose results already belong to the function.
  package func append(_ operation: Operation) { operations.append(operation) }

  /// Builds a region: `body` gets the region's arguments and returns its results.
  package func region(arguments types: [TensorType] = [], _ body: ([Operand]) throws -> [Operand]) rethrows -> Block {
    let outer = operations
    operations = []
    defer { operations = outer }
    let arguments = types.map { function.makeValue($0) }
    let results = try body(arguments.map { .value($0) })
    return Block(arguments: arguments, operations: operations, results: results)
  }

  /// The type of a tensor operand; a number in place counts as a scalar of its default type.
  package func type(_ operand: Operand) -> TensorType {
    switch operand {
    case .value(let value): return function.type(of: value)
    case .scalar(let scalar):
      switch scalar.category {
      case .bool: return TensorType(.bool)
      case .integer: return TensorType(.int64)
      case .complex: return TensorType(.complex64)
      default: return TensorType(.float32)
      }
    case .absent, .list: return TensorType(.float32)
    }
  }

  package func shape(_ operand: Operand) -> [Dim] { type(operand).shape }
}

extension OpDefinition {
  /// Checks operands and attributes against the definition and infers the types of the results.
  ///
  /// - Throws: ``Diagnostic`` when they do not fit.
  package func resultTypes(
    operands: [Operand], attributes: OrderedDictionary<String, Attribute>, regions: [Block] = [], in function: Function
  ) throws -> [TensorType] {
    let call = OpCall(
      self, operands: operands, attributes: attributes, regions: regions,
      typeOf: { function.type(of: $0) })
    try check(call)
    return try infer(call)
  }

  private func check(_ call: OpCall) throws {
    guard call.operands.count <= operands.count else {
      throw call.problem("takes \(operands.count) operands, not \(call.operands.count)")
    }
    for (index, spec) in operands.enumerated() {
      let fits =
        switch (spec.kind, call[index]) {
        case (.tensor, .value), (.tensorOrScalar, .value), (.tensorOrScalar, .scalar): true
        case (.optional, .value), (.optional, .absent), (.optional, .scalar), (.variadic, .list): true
        default: false
        }
      if !fits { throw call.problem("operand `\(spec.name)` does not fit") }
    }
    for name in call.attributes.keys where attribute(name) == nil {
      throw call.problem("has no attribute `\(name)`")
    }
  }
}
