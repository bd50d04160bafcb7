package import GraftIR

/// What stands in an argument position of a traced call.
package indirect enum TraceArgument: Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list([TraceArgument])
  /// A tensor: the result with this index of the node with this name.
  case reference(String, index: Int)
  /// An integer that depends on dynamic dimensions.
  case dim(Dim)
  case dtype(String)
  /// A word of the framework's own, such as a memory format.
  case word(String)
  case complex(Double, Double)
  case graph(TraceGraph)
}

extension TraceArgument: Decodable {
  package init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: TraceKey.self) {
      self = try Self.object(container)
    } else if var container = try? decoder.unkeyedContainer() {
      var list: [TraceArgument] = []
      while !container.isAtEnd { list.append(try container.decode(TraceArgument.self)) }
      self = .list(list)
    } else {
      self = try Self.plain(decoder.singleValueContainer())
    }
  }

  private static func plain(_ container: any SingleValueDecodingContainer) throws -> TraceArgument {
    if container.decodeNil() { return .null }
    if let value = try? container.decode(Bool.self) { return .bool(value) }
    if let value = try? container.decode(Int.self) { return .int(value) }
    if let value = try? container.decode(Double.self) { return .double(value) }
    return .string(try container.decode(String.self))
  }

  private static func object(_ container: KeyedDecodingContainer<TraceKey>) throws -> TraceArgument {
    func key(_ name: String) -> TraceKey { TraceKey(stringValue: name) }
    if container.contains(key("ref")) {
      return .reference(
        try container.decode(String.self, forKey: key("ref")),
        index: try container.decode(Int.self, forKey: key("index")))
    }
    guard let only = container.allKeys.first else { return .null }
    switch only.stringValue {
    case "dim": return .dim(try container.decode(TraceDim.self, forKey: only).dim)
    case "dtype": return .dtype(try container.decode(String.self, forKey: only))
    case "enum": return .word(try container.decode(String.self, forKey: only))
    case "graph": return .graph(try container.decode(TraceGraph.self, forKey: only))
    case "complex":
      let parts = try container.decode([Double].self, forKey: only)
      return .complex(parts.first ?? 0, parts.count > 1 ? parts[1] : 0)
    case "float":
      return .double(Double(try container.decode(String.self, forKey: only)) ?? .nan)
    case "scalar":
      // A number that is computed from sizes; what is not an integer expression has no form here.
      return (try? container.decode(TraceDim.self, forKey: only)).map { .dim($0.dim) } ?? .word("a computed number")
    default: return .word(only.stringValue)
    }
  }
}

extension TraceArgument {
  package var isNull: Bool { if case .null = self { true } else { false } }
  package var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var asString: String? { if case .string(let value) = self { value } else { nil } }
  package var asList: [TraceArgument]? { if case .list(let values) = self { values } else { nil } }
  package var asDType: DType? { if case .dtype(let name) = self { DType(name: name) } else { nil } }

  package var asDim: Dim? {
    switch self {
    case .int(let value): Dim(value)
    case .dim(let value): value
    case .bool(let value): Dim(value ? 1 : 0)
    default: nil
    }
  }

  package var asDouble: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    case .bool(let value): value ? 1 : 0
    case .dim(let value): value.knownValue.map(Double.init)
    default: nil
    }
  }

  package var asScalar: Scalar? {
    switch self {
    case .int(let value): .int(value)
    case .double(let value): .float(value)
    case .bool(let value): .bool(value)
    case .complex(let re, let im): .complex(re, im)
    case .dim(let value): value.knownValue.map(Scalar.int)
    default: nil
    }
  }
}

/// A nested structure in the trace.
package struct TraceTree: Decodable, Sendable {
  package var tree: Tree

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: TraceKey.self)
    func children(_ name: String) throws -> [Tree] {
      try container.decode([TraceTree].self, forKey: TraceKey(stringValue: name)).map(\.tree)
    }
    func fields(_ name: String) throws -> [Tree.Field] {
      try container.decode([TraceField].self, forKey: TraceKey(stringValue: name)).map(\.field)
    }
    let keys = Set(container.allKeys.map(\.stringValue))
    if keys.contains("leaf") {
      tree = .leaf(try container.decode(Int.self, forKey: TraceKey(stringValue: "leaf")))
    } else if keys.contains("tuple") {
      tree = .tuple(try children("tuple"))
    } else if keys.contains("list") {
      tree = .list(try children("list"))
    } else if keys.contains("dict") {
      tree = .dict(try fields("dict"))
    } else if keys.contains("dataclass") {
      let name = try container.decode(String.self, forKey: TraceKey(stringValue: "dataclass"))
      tree = .record(className: name, fields: try fields("fields"))
    } else if keys.contains("scalar") {
      let size = try? container.decode(TraceDim.self, forKey: TraceKey(stringValue: "scalar"))
      tree = .constant(size.map { .dim($0.dim) } ?? .none)
    } else {
      let value = try container.decodeIfPresent(TraceArgument.self, forKey: TraceKey(stringValue: "const")) ?? .null
      tree = .constant(value.asAttribute)
    }
  }
}

private struct TraceField: Decodable {
  var field: Tree.Field

  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    field = Tree.Field(try container.decode(String.self), try container.decode(TraceTree.self).tree)
  }
}

extension TraceArgument {
  /// The argument as a static attribute; tensors and words have none.
  package var asAttribute: Attribute {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .double(let value): .float(value)
    case .string(let value), .word(let value): .string(value)
    case .list(let values): .list(values.map(\.asAttribute))
    case .dim(let value): .dim(value)
    case .dtype(let name): DType(name: name).map { .dtype($0) } ?? .none
    case .complex(let re, let im): .scalar(.complex(re, im))
    case .null, .reference, .graph: .none
    }
  }
}
