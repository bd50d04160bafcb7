package import GraftIR
package import GraftOps

/// How one framework's calls become ops: irregular ones by function, the rest by the catalogue's spellings.
package struct ImportVocabulary: Sendable {
  package typealias Rule = @Sendable (ImportContext) throws -> [Operand]

  /// The prefix that the framework's tracer puts before names: `aten.`.
  package var prefix: String
  package var rules: [String: Rule]
  var spelled: [String: SpelledCall]

  /// - Parameter rules: by full name, `aten.conv2d.default`; they take precedence over spellings.
  package init(framework: Framework, prefix: String, rules: [String: Rule]) {
    self.prefix = prefix
    self.rules = rules
    spelled = SpelledCall.table(for: framework)
  }

  /// Whether a call of this name can be imported at all.
  package func knows(_ name: String) -> Bool { rules[name] != nil || spelled[key(name)] != nil }

  /// Every name that can be imported, sorted.
  package var names: [String] {
    Set(rules.keys).union(spelled.keys.map { $0.contains("graft.") ? $0 : prefix + $0 }).sorted()
  }

  func key(_ name: String) -> String { name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name }
}

/// Builds functions from traced graphs.
package struct TraceImporter {
  private let document: TraceDocument
  private let vocabulary: ImportVocabulary

  package init(_ document: TraceDocument, vocabulary: ImportVocabulary) {
    self.document = document
    self.vocabulary = vocabulary
  }

  /// The function that a graph of the document describes.
  ///
  /// - Throws: ``Diagnostic`` that lists every call that cannot be imported.
  package func function(_ graph: TraceGraph) throws -> Function {
    var function = Function(name: document.entry.name, summary: summary)
    function.symbols = document.symbols.map {
      Symbol($0.name, minimum: $0.min ?? 0, maximum: $0.max, sizes: $0.sizes)
    }
    function.inputs =
      document.inputs.tree
    function.outputs = document.outputs.tree
    function.inputNames = document.inputLeaves.enumerated().map { $1.name ?? "input_\($0)" }
    let builder = GraphBuilder(function)
    let nodes = NodeImporter(builder, vocabulary: vocabulary, bindings: try bindPlaceholders(graph, in: builder))
    try nodes.run(graph)
    return try finish(graph, builder: builder, bindings: nodes.bindings, keys: nodes.keys)
  }

  private var summary: String {
    let framework = document.framework
    let origin = document.entry.className ?? document.entry.entry
    return "\(framework.name) \(framework.version): \(origin)"
  }

  // MARK: Arguments

  private func bindPlaceholders(_ graph: TraceGraph, in builder: GraphBuilder) throws -> [String: [Operand]] {
    let parameters = Dictionary(document.parameters.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
    let buffers = Dictionary(document.buffers.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
    var bindings: [String: [Operand]] = [:]
    for placeholder in graph.placeholders {
      guard let dtype = DType(name: placeholder.dtype) else {
        throw Diagnostic(.unsupported, "\(placeholder.name) has the element type \(placeholder.dtype)")
      }
      let type = TensorType(dtype, placeholder.shape.map(\.dim))
      let role: Argument.Role
      let hint: String
      switch (placeholder.kind, placeholder.target) {
      case ("input", .leaf(let leaf)):
        role = .input(leaf: leaf)
        hint = builder.function.inputNames.indices.contains(leaf) ? builder.function.inputNames[leaf] : "input"
      case ("parameter", .path(let path)):
        role = .parameter(
          path: path, trainable: parameters[path]?.trainable ?? true, aliases: parameters[path]?.aliases ?? [])
        hint = String(path.split(separator: ".").last ?? "weight")
      case ("buffer", .path(let path)):
        role = .state(path: path, persistent: buffers[path]?.persistent ?? true)
        hint = String(path.split(separator: ".").last ?? "buffer")
      case ("constant", .path(let name)):
        role = .constant(name: name)
        hint = name.hasPrefix("lifted_tensor_") ? "constant" : name
      default:
        throw Diagnostic(.internalError, "the trace has a placeholder of the unknown kind \(placeholder.kind)")
      }
      let value = builder.function.makeValue(type, hint: hint)
      builder.function.arguments.append(Argument(role, value))
      bindings[placeholder.name] = [.value(value)]
    }
    return bindings
  }

  // MARK: Calls of functions

  private func calls(_ graph: TraceGraph, bindings: [String: [Operand]]) throws -> [FunctionCall] {
    let calls = graph.calls ?? []
    guard graph.nodes.allSatisfy({ $0.ownCall.map(calls.indices.contains) ?? true }) else {
      throw Diagnostic(.internalError, "the trace names a call that it does not hold")
    }
    return try calls.enumerated().map { number, call in
      guard document.functions.indices.contains(call.function), call.parent.map({ (0..<number).contains($0) }) ?? true,
        call.modules >= 0, call.frames >= 0
      else { throw Diagnostic(.internalError, "the trace holds a call that makes no sense") }
      let function = document.functions[call.function]
      var arguments: [FunctionCall.Argument] = []
      for argument in call.arguments {
        switch argument.value {
        case .reference(let name, let index):
          guard let values = bindings[name], values.indices.contains(index) else { continue }
          arguments.append(FunctionCall.Argument(argument.name, values[index]))
        default: argument.value.asScalar.map { arguments.append(FunctionCall.Argument(argument.name, .scalar($0))) }
        }
      }
      return FunctionCall(
        function.name, parent: call.parent, modules: call.modules, frames: call.frames, arguments: arguments,
        returns: function.returns)
    }
  }

  // MARK: Results

  private func finish(
    _ graph: TraceGraph, builder: GraphBuilder, bindings: [String: [Operand]], keys: [Value]
  ) throws -> Function {
    func value(_ argument: TraceArgument) throws -> Operand {
      switch argument {
      case .reference(let name, let index):
        guard let results = bindings[name], results.indices.contains(index) else {
          throw Diagnostic(.internalError, "the trace returns \(name)[\(index)], which it does not define")
        }
        return results[index]
      default:
        guard let scalar = argument.asScalar else {
          throw Diagnostic(.unsupported, "the program returns something that is neither a tensor nor a number")
        }
        return .scalar(scalar)
      }
    }
    let results = try graph.outputs.map(value)
    for mutation in graph.mutations {
      guard let path = mutation.buffer else {
        throw Diagnostic(
          .unsupported, "the program changes its input \(mutation.input.map(String.init) ?? "") in place",
          remedy: "Copy the input first (`x = x.clone()`), and return the copy.")
      }
      builder.function.stateUpdates.append(StateUpdate(path: path, value: try value(mutation.value)))
    }
    var function = try builder.finished(results: results).drawing(keys)
    for passed in graph.passed ?? [] {
      guard let value = try value(passed.value).asValue else { continue }
      function.passedNames.record(PassedNames.Entry(module: passed.path, name: passed.name, value: value))
    }
    function.calls = try calls(graph, bindings: bindings)
    function.nameStatementTargets()
    return function
  }
}

extension Function {
  /// The function with a key argument, split at the top into the given keys.
  func drawing(_ keys: [Value]) throws -> Function {
    guard !keys.isEmpty else { return self }
    var function = self
    if keys.count == 1 {
      function.arguments.append(Argument(.key, keys[0]))
      function.setHint("rng", of: keys[0])
      return function
    }
    let key = function.makeValue(TensorType(.key), hint: "rng")
    function.arguments.append(Argument(.key, key))
    function.body.operations.insert(
      Operation("split_key", [.value(key)], attributes: ["count": .int(keys.count)], results: keys), at: 0)
    return function
  }
}

extension TraceGraph {
  /// Every result that a node, an output or a mutation refers to.
  var usedResults: Set<ResultReference> {
    let arguments = nodes.flatMap { $0.args.values } + outputs + mutations.map(\.value)
    return arguments.reduce(into: []) { $1.collectReferences(into: &$0) }
  }
}

extension TraceArgument {
  fileprivate func collectReferences(into found: inout Set<ResultReference>) {
    switch self {
    case .reference(let name, let index): found.insert(ResultReference(node: name, index: index))
    case .list(let items): for item in items { item.collectReferences(into: &found) }
    case .graph(let graph): found.formUnion(graph.usedResults)
    default: break
    }
  }

  /// Whether the argument refers to one of the named nodes.
  func references(anyOf names: Set<String>) -> Bool {
    switch self {
    case .reference(let name, _): names.contains(name)
    case .list(let items): items.contains { $0.references(anyOf: names) }
    default: false
    }
  }
}

extension Diagnostic {
  /// One diagnostic for all the calls that cannot be imported: each op and reason once, with where and how often.
  init(unsupported calls: [UnsupportedCall]) {
    var order: [String] = []
    var groups: [String: [UnsupportedCall]] = [:]
    for call in calls {
      let key = "\(call.op): \(call.reason)"
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(call)
    }
    let notes = order.map { key -> String in
      let group = groups[key] ?? []
      let place = group.first?.location.map { " at \($0.file):\($0.line) `\($0.text)`" } ?? ""
      return "\(key)\(place)" + (group.count > 1 ? " (\(group.count) times)" : "")
    }
    self.init(
      .unsupported, order.count == 1 ? "one operation is not supported" : "\(order.count) operations are not supported",
      at: calls.first?.location,
      remedy:
        "`graft ops --from torch` lists what is supported; rewrite these lines with other operations, or report them.",
      notes: notes)
  }
}
