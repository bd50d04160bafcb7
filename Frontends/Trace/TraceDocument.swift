package import GraftIR

/// A traced program as a frontend's Python side describes it: structure only, the tensors' bytes come beside it.
///
/// One format serves every traced framework; what differs is the vocabulary of node names. `Docs` describes each field.
package struct TraceDocument: Decodable, Sendable {
  package static let format = "graft.trace"
  package static let version = 1

  package struct Framework: Codable, Sendable, Hashable {
    package var name: String
    package var version: String
    package var libraries: [String: String]
  }

  package struct Entry: Codable, Sendable, Hashable {
    package var entry: String
    package var name: String
    package var kind: String
    package var className: String?
    package var file: String?
    package var line: Int?
    package var doc: String?

    enum CodingKeys: String, CodingKey {
      case entry, name, kind, file, line, doc
      case className = "class"
    }
  }

  package struct SymbolRecord: Decodable, Sendable {
    package var name: String
    package var min: Int?
    package var max: Int?
    package var sizes: [Int]
  }

  package struct Module: Decodable, Sendable {
    package var path: String
    package var className: String
    package var file: String?
    package var line: Int?
    /// The names of the parameters of its class's `forward`.
    package var forward: [String]?
    /// The integers among its attributes that the statements name whose shapes its operations have.
    package var sizes: [String: Int]?

    enum CodingKeys: String, CodingKey {
      case path, file, line, forward, sizes
      case className = "class"
    }
  }

  /// A function of the program's own source.
  package struct SourceFunction: Decodable, Sendable {
    /// `utils.area`, or `net.Net.attend` for a method.
    package var name: String
    package var file: String
    package var line: Int
    /// The variables that it returns as a tuple, null for an item that is none; empty if it does not return one.
    package var returns: [String?]
  }

  package struct Parameter: Decodable, Sendable {
    package var path: String
    package var dtype: String
    package var shape: [Int]
    package var trainable: Bool
    package var aliases: [String]
  }

  package struct Buffer: Decodable, Sendable {
    package var path: String
    package var dtype: String
    package var shape: [Int]
    package var persistent: Bool
  }

  package struct Constant: Decodable, Sendable {
    package var name: String
    package var dtype: String
    package var shape: [Int]
  }

  package struct Leaf: Decodable, Sendable {
    package var name: String?
    package var dtype: String
    package var shape: [TraceDim]
    /// Whether the example's values are random, within `range` (the upper bound excluded) if there is one.
    package var generated: Bool?
    package var range: [Double]?
  }

  package var framework: Framework
  package var entry: Entry
  package var symbols: [SymbolRecord]
  package var modules: [Module]
  package var functions: [SourceFunction]
  package var parameters: [Parameter]
  package var buffers: [Buffer]
  package var constants: [Constant]
  package var inputs: TraceTree
  package var outputs: TraceTree
  package var inputLeaves: [Leaf]
  package var outputLeaves: [Leaf]
  package var graphs: Graphs

  /// The program in each mode, or once for both.
  package struct Graphs: Decodable, Sendable {
    package var both: TraceGraph?
    package var train: TraceGraph?
    package var eval: TraceGraph?
  }

  enum CodingKeys: String, CodingKey {
    case format, version, framework, entry, symbols, modules, functions, parameters, buffers, constants, inputs, outputs
    case graphs
    case inputLeaves = "input_leaves"
    case outputLeaves = "output_leaves"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let format = try container.decode(String.self, forKey: .format)
    let version = try container.decode(Int.self, forKey: .version)
    guard format == Self.format, version == Self.version else {
      throw Diagnostic(.internalError, "the tracer wrote \(format) version \(version), not version \(Self.version)")
    }
    framework = try container.decode(Framework.self, forKey: .framework)
    entry = try container.decode(Entry.self, forKey: .entry)
    symbols = try container.decode([SymbolRecord].self, forKey: .symbols)
    modules = try container.decode([Module].self, forKey: .modules)
    functions = try container.decodeIfPresent([SourceFunction].self, forKey: .functions) ?? []
    parameters = try container.decode([Parameter].self, forKey: .parameters)
    buffers = try container.decode([Buffer].self, forKey: .buffers)
    constants = try container.decode([Constant].self, forKey: .constants)
    inputs = try container.decode(TraceTree.self, forKey: .inputs)
    outputs = try container.decode(TraceTree.self, forKey: .outputs)
    inputLeaves = try container.decode([Leaf].self, forKey: .inputLeaves)
    outputLeaves = try container.decode([Leaf].self, forKey: .outputLeaves)
    graphs = try container.decode(Graphs.self, forKey: .graphs)
  }
}

/// A flat program.
package struct TraceGraph: Decodable, Sendable {
  package struct Placeholder: Decodable, Sendable {
    package enum Target: Sendable {
      case leaf(Int)
      case path(String)
    }

    package var name: String
    package var kind: String
    package var target: Target
    package var dtype: String
    package var shape: [TraceDim]

    enum CodingKeys: String, CodingKey { case name, kind, target, dtype, shape }

    package init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      kind = try container.decode(String.self, forKey: .kind)
      dtype = try container.decode(String.self, forKey: .dtype)
      shape = try container.decode([TraceDim].self, forKey: .shape)
      if kind == "input" || kind == "operand" {
        target = .leaf(try container.decode(Int.self, forKey: .target))
      } else {
        target = .path(try container.decode(String.self, forKey: .target))
      }
    }
  }

  package struct Mutation: Decodable, Sendable {
    package var buffer: String?
    package var input: Int?
    package var value: TraceArgument
  }

  /// A tensor that a module is passed, and what the module's `forward` calls it.
  package struct Passed: Decodable, Sendable {
    package var path: String
    package var name: String
    package var value: TraceArgument

    package init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      path = try container.decode(String.self)
      name = try container.decode(String.self)
      value = try container.decode(TraceArgument.self)
    }
  }

  /// A call of one of the document's functions.
  package struct Call: Decodable, Sendable {
    package struct Argument: Decodable, Sendable {
      package var name: String
      package var value: TraceArgument

      package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        name = try container.decode(String.self)
        value = try container.decode(TraceArgument.self)
      }
    }

    /// The function's position among the document's.
    package var function: Int
    /// The position of the call that it is made in.
    package var parent: Int?
    /// How many modules and frames are around it.
    package var modules: Int
    package var frames: Int
    /// What it is given, where that is a tensor or number, by parameter.
    package var arguments: [Argument]
  }

  package var placeholders: [Placeholder]
  package var calls: [Call]?
  package var nodes: [TraceNode]
  package var outputs: [TraceArgument]
  package var mutations: [Mutation]
  package var passed: [Passed]?
}

/// One call in a traced program.
package struct TraceNode: Decodable, Sendable {
  package struct Result: Decodable, Sendable {
    package var dtype: String
    package var shape: [TraceDim]
  }

  package struct Frame: Decodable, Sendable {
    package var file: String
    package var line: Int
    package var function: String
    package var text: String

    package init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      file = try container.decode(String.self)
      line = try container.decode(Int.self)
      function = try container.decode(String.self)
      text = try container.decode(String.self)
    }
  }

  package var name: String
  package var op: String
  package var args: [String: TraceArgument]
  package var results: [Result?]
  package var path: String
  package var call: Int
  package var stack: [[String]]
  package var frames: [Frame]
  /// The position of the innermost call of a function of the program's own source.
  package var ownCall: Int?

  enum CodingKeys: String, CodingKey {
    case name, op, args, results, path, call, stack, frames
    case ownCall = "own_call"
  }
}

/// An extent: an integer or an expression of symbols.
package struct TraceDim: Decodable, Sendable {
  package var dim: Dim

  package init(from decoder: any Decoder) throws {
    if let value = try? decoder.singleValueContainer().decode(Int.self) {
      dim = Dim(value)
    } else {
      dim = try Self.expression(decoder.container(keyedBy: TraceKey.self))
    }
  }

  private static func expression(_ container: KeyedDecodingContainer<TraceKey>) throws -> Dim {
    guard let key = container.allKeys.first else {
      throw Diagnostic(.internalError, "the trace holds an empty size expression")
    }
    if key.stringValue == "sym" { return .symbol(try container.decode(String.self, forKey: key)) }
    let parts = try container.decode([TraceDim].self, forKey: key).map(\.dim)
    switch (key.stringValue, parts.count) {
    case ("add", _): return parts.reduce(0, +)
    case ("mul", _): return parts.reduce(1, *)
    case ("max", 1...): return parts.dropFirst().reduce(parts[0], Dim.maximum)
    case ("min", 1...): return parts.dropFirst().reduce(parts[0], Dim.minimum)
    case ("floordiv", 2): return parts[0].floorDivided(by: parts[1])
    case ("ceildiv", 2): return parts[0].ceilDivided(by: parts[1])
    case ("mod", 2): return parts[0].remainder(by: parts[1])
    case ("pow", 2):
      if let exponent = parts[1].knownValue, exponent >= 0 { return parts[0].power(exponent) }
    case ("div", 2):
      if let quotient = parts[0].exactQuotient(by: parts[1]) { return quotient }
    default: break
    }
    throw Diagnostic(
      .unsupported, "a size is the expression `\(key.stringValue)` of \(parts), which Graft cannot express")
  }
}

/// Any key of an object in the trace.
struct TraceKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
