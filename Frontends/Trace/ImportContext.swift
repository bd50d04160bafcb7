package import GraftIR
package import GraftOps
package import OrderedCollections

/// One traced call being imported: its arguments by name, and the builder that its ops go to.
package final class ImportContext {
  package let builder: GraphBuilder
  package let node: TraceNode
  private let used: Set<ResultReference>
  private let importer: NodeImporter

  init(_ builder: GraphBuilder, node: TraceNode, used: Set<ResultReference>, importer: NodeImporter) {
    self.builder = builder
    self.node = node
    self.used = used
    self.importer = importer
  }

  // MARK: Errors

  /// The call cannot be imported: says why, and where it stands.
  package func unsupported(_ reason: String) -> UnsupportedCall {
    UnsupportedCall(op: node.op, reason: reason, location: node.userLocation)
  }

  // MARK: Arguments

  package func argument(_ name: String) -> TraceArgument { node.args[name] ?? .null }

  /// A tensor or number; absent for None.
  package func operand(_ name: String) throws -> Operand { try operand(argument(name)) }

  package func operand(_ argument: TraceArgument) throws -> Operand {
    switch argument {
    case .null: return .absent
    case .reference(let name, let index):
      guard let results = importer.bindings[name], results.indices.contains(index) else {
        throw Diagnostic(.internalError, "\(node.name) uses \(name)[\(index)], which the trace does not define")
      }
      return results[index]
    case .dim(let dim): return try builder.size(dim, dtype: .int64)
    case .list(let items):
      return .list(
        try items.map { item in
          guard let value = try operand(item).asValue else {
            throw unsupported("a list of tensors holds something else")
          }
          return value
        })
    default:
      guard let scalar = argument.asScalar else { throw unsupported("an argument is neither a tensor nor a number") }
      return .scalar(scalar)
    }
  }

  /// A tensor that must be there.
  package func tensor(_ name: String) throws -> Operand {
    let operand = try operand(name)
    guard operand.asValue != nil else { throw unsupported("`\(name)` must be a tensor") }
    return operand
  }

  package func type(_ operand: Operand) -> TensorType { builder.type(operand) }

  package func bool(_ name: String) throws -> Bool {
    let value = argument(name)
    guard let bool = value.asBool ?? (value.isNull ? false : nil) else {
      throw unsupported("`\(name)` must be a boolean")
    }
    return bool
  }

  package func dim(_ name: String) throws -> Dim {
    guard let dim = argument(name).asDim else { throw unsupported("`\(name)` must be an integer") }
    return dim
  }

  package func int(_ name: String) throws -> Int {
    guard let value = try dim(name).knownValue else { throw unsupported("`\(name)` must not depend on a dynamic size") }
    return value
  }

  package func double(_ name: String) throws -> Double {
    guard let value = argument(name).asDouble else { throw unsupported("`\(name)` must be a number") }
    return value
  }

  package func string(_ name: String) throws -> String {
    guard let value = argument(name).asString else { throw unsupported("`\(name)` must be a string") }
    return value
  }

  /// A list of integers; a single one counts as a list of one, None as nothing.
  package func dims(_ name: String) throws -> [Dim] {
    switch argument(name) {
    case .null: return []
    case .list(let items):
      return try items.map { item in
        guard let dim = item.asDim else { throw unsupported("`\(name)` must hold integers") }
        return dim
      }
    case let single:
      guard let dim = single.asDim else { throw unsupported("`\(name)` must hold integers") }
      return [dim]
    }
  }

  package func ints(_ name: String) throws -> [Int] {
    try dims(name).map { dim in
      guard let value = dim.knownValue else { throw unsupported("`\(name)` must not depend on a dynamic size") }
      return value
    }
  }

  /// A list of integers with one for each of `rank` axes; a single one is repeated.
  package func dims(_ name: String, rank: Int) throws -> [Dim] {
    let values = try dims(name)
    if values.count == 1, rank != 1 { return Array(repeating: values[0], count: rank) }
    guard values.count == rank else { throw unsupported("`\(name)` must hold \(rank) integers") }
    return values
  }

  /// A non-negative axis of a tensor of the given rank.
  package func axis(_ name: String, rank: Int) throws -> Int {
    try normalized(axis: int(name), rank: rank)
  }

  package func normalized(axis: Int, rank: Int) throws -> Int {
    let positive = axis < 0 ? axis + max(rank, 1) : axis
    guard positive >= 0, positive < max(rank, 1) else { throw unsupported("axis \(axis) is outside rank \(rank)") }
    return positive
  }

  /// Non-negative axes; all of them for None or an empty list.
  package func axes(_ name: String, rank: Int) throws -> [Int] {
    let given = try ints(name)
    if given.isEmpty { return Array(0..<rank) }
    return try given.map { try normalized(axis: $0, rank: rank) }
  }

  // MARK: Results

  /// The type that the trace gives for a result.
  package func resultType(_ index: Int = 0) throws -> TensorType {
    guard node.results.indices.contains(index), let result = node.results[index], let dtype = DType(name: result.dtype)
    else { throw unsupported("result \(index) has no known element type") }
    return TensorType(dtype, result.shape.map(\.dim))
  }

  /// Whether anything in the program refers to a result of the call.
  package func isUsed(result index: Int) -> Bool { used.contains(ResultReference(node: node.name, index: index)) }

  // MARK: Ops

  @discardableResult
  package func op(
    _ definition: OpDefinition, _ operands: Operand..., attributes: OrderedDictionary<String, Attribute> = [:]
  ) throws -> Operand {
    try builder.apply(definition, operands, attributes: attributes)[0]
  }

  /// The tensor with another element type; itself when it has that already.
  package func cast(_ operand: Operand, to dtype: DType) throws -> Operand {
    guard let value = operand.asValue, type(operand).dtype != dtype else { return operand }
    if dtype.isInteger || dtype.isFloating, let extent = builder.extent(value) {
      return try builder.size(extent, dtype: dtype)
    }
    return try builder(.cast, operand, attributes: ["dtype": .dtype(dtype)])
  }

  package func reshape(_ operand: Operand, _ shape: [Dim]) throws -> Operand {
    if type(operand).shape == shape { return operand }
    return try builder(.reshape, operand, attributes: ["shape": .dims(shape)])
  }

  /// A number as a scalar tensor of the given type; tensors are cast.
  package func tensor(_ operand: Operand, dtype: DType) throws -> Operand {
    guard let scalar = operand.asScalar else { return try cast(operand, to: dtype) }
    return try builder(.full, attributes: ["shape": .dims([]), "value": .scalar(scalar), "dtype": .dtype(dtype)])
  }

  /// A fresh random key: each call is one draw, in program order.
  package func drawKey() -> Operand { .value(importer.drawKey()) }

  // MARK: Branches and loops

  /// A branch or a loop's body.
  package func graph(_ name: String) throws -> TraceGraph {
    guard case .graph(let graph) = argument(name) else { throw unsupported("`\(name)` must be a branch or a body") }
    return graph
  }

  /// A graph's operations and results as a region.
  ///
  /// - Parameters:
  ///   - types: of the region's arguments, which the graph's first placeholders stand for.
  ///   - hints: names for these arguments.
  ///   - captured: tensors of the program, which the other placeholders stand for.
  package func region(
    _ graph: TraceGraph, arguments types: [TensorType] = [], hints: [String?] = [], capturing captured: [Operand]
  ) throws -> Block {
    try builder.region(arguments: types) { arguments in
      for (argument, hint) in zip(arguments, hints) {
        if let value = argument.asValue { builder.function.setHint(hint, of: value) }
      }
      return try importer.importRegion(graph, arguments + captured, self)
    }
  }
}

/// One result of a node of the trace.
struct ResultReference: Hashable {
  var node: String
  var index: Int
}

/// A call that cannot be imported.
package struct UnsupportedCall: Error, Sendable {
  package var op: String
  package var reason: String
  package var location: SourceLocation?
}

extension TraceNode {
  /// The innermost frame in the user's own source: frames of the framework's package count only when there is no other.
  var userLocation: SourceLocation? {
    let locations = frames.map {
      SourceLocation(file: $0.file, line: $0.line, function: $0.function, text: $0.text)
    }
    return locations.last { !$0.isLibrary } ?? locations.last
  }
}
