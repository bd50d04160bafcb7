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
    var bindings = try bindPlaceholders(graph, in: builder)
    let keys = try importNodes(graph, in: builder, bindings: &bindings)
    return try finish(graph, builder: builder, bindings: bindings, keys: keys)
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
        hint = name
      default:
        throw Diagnostic(.internalError, "the trace has a placeholder of the unknown kind \(placeholder.kind)")
      }
      let value = builder.function.makeValue(type, hint: hint)
      builder.function.arguments.append(Argument(role, value))
      bindings[placeholder.name] = [.value(value)]
    }
    return bindings
  }

  // MARK: Calls

  private func importNodes(
    _ graph: TraceGraph, in builder: GraphBuilder, bindings: inout [String: [Operand]]
  ) throws -> [Value] {
    guard let first = graph.nodes.first else { return [] }
    let context = ImportContext(builder, node: first, used: graph.usedResults)
    context.bindings = bindings
    var problems: [UnsupportedCall] = []
    var broken: Set<String> = []
    for node in graph.nodes {
      context.node = node
      builder.origin = origin(of: node)
      do {
        // Everything that is missing is reported at once, but not what follows from it.
        if !vocabulary.knows(node.op) { throw context.unsupported("there is no op for it") }
        if node.args.values.contains(where: { $0.references(anyOf: broken) }) {
          broken.insert(node.name)
          continue
        }
        let start = builder.operations.count
        context.bindings[node.name] = try importNode(context)
        name(builder.operations.dropFirst(start), results: context.bindings[node.name] ?? [], of: node, in: builder)
      } catch let problem as UnsupportedCall {
        problems.append(problem)
        broken.insert(node.name)
      } catch let diagnostic as Diagnostic {
        problems.append(context.unsupported(diagnostic.message))
        broken.insert(node.name)
      }
    }
    bindings = context.bindings
    if !problems.isEmpty { throw Diagnostic(unsupported: problems) }
    return context.keys
  }

  private func importNode(_ context: ImportContext) throws -> [Operand] {
    let node = context.node
    let results: [Operand]
    if let rule = vocabulary.rules[node.op] {
      results = try rule(context)
    } else if let call = vocabulary.spelled[vocabulary.key(node.op)] {
      results = try call.apply(context)
    } else {
      throw context.unsupported("there is no op for it")
    }
    return try results.enumerated().map { try conform($1, index: $0, context) }
  }

  /// Gives a result the type that the trace says it has; the trace knows more of symbolic extents than inference.
  private func conform(_ operand: Operand, index: Int, _ context: ImportContext) throws -> Operand {
    guard let value = operand.asValue, context.node.results.indices.contains(index),
      context.node.results[index] != nil
    else { return operand }
    let traced = try context.resultType(index)
    let inferred = context.type(operand)
    if inferred == traced { return operand }
    guard inferred.rank == traced.rank,
      zip(inferred.shape, traced.shape).allSatisfy({ ($0 - $1).knownValue.map { $0 == 0 } ?? true })
    else {
      throw context.unsupported("its result is \(traced), but Graft's rules make it \(inferred)")
    }
    if inferred.shape != traced.shape {
      context.builder.function.setType(inferred.with(shape: traced.shape), of: value)
    }
    return try context.cast(operand, to: traced.dtype)
  }

  private func origin(of node: TraceNode) -> Origin {
    let modules = node.stack.enumerated().map { index, entry in
      ModuleCall(
        path: entry.first ?? "", className: entry.count > 1 ? entry[1] : "",
        call: index == node.stack.count - 1 ? node.call : 0)
    }
    let frames = node.frames.map {
      SourceLocation(file: $0.file, line: $0.line, function: $0.function, text: $0.text)
    }
    return Origin(modules: modules, frames: frames, call: node.ownCall, sourceOp: node.op, node: node.name)
  }

  private func name(
    _ operations: ArraySlice<Operation>, results: [Operand], of node: TraceNode, in builder: GraphBuilder
  ) {
    let names = SourceNames.targets(of: builder.origin)
    for operation in operations {
      for value in operation.results where builder.function.info(value).hint == nil {
        builder.function.setHint(names.count == 1 ? names[0] : nil, of: value)
      }
    }
    for (index, result) in results.enumerated() where results.count > 1 && names.count == results.count {
      if let value = result.asValue { builder.function.setHint(names[index], of: value) }
    }
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
