import GraftIR
import GraftOps

/// Imports the nodes of a traced graph, and of the graphs within it, in order.
///
/// Everything that is missing is reported at once, but not what follows from it.
final class NodeImporter {
  private let builder: GraphBuilder
  private let vocabulary: ImportVocabulary
  /// What each node's results are, in the graph that is being imported.
  private(set) var bindings: [String: [Operand]]
  /// The keys that random draws take, in their order.
  private(set) var keys: [Value] = []
  private var problems: [UnsupportedCall] = []
  private var broken: Set<String> = []

  init(_ builder: GraphBuilder, vocabulary: ImportVocabulary, bindings: [String: [Operand]]) {
    self.builder = builder
    self.vocabulary = vocabulary
    self.bindings = bindings
  }

  /// - Throws: ``Diagnostic`` that lists every call that cannot be imported.
  func run(_ graph: TraceGraph) throws {
    importNodes(of: graph)
    if !problems.isEmpty { throw Diagnostic(unsupported: problems) }
  }

  private func importNodes(of graph: TraceGraph) {
    let used = graph.usedResults
    for node in graph.nodes {
      let context = ImportContext(builder, node: node, used: used, importer: self)
      builder.origin = origin(of: node)
      do {
        if !vocabulary.knows(node.op) { throw context.unsupported("there is no op for it") }
        if node.args.values.contains(where: { $0.references(anyOf: broken) }) {
          broken.insert(node.name)
          continue
        }
        let start = builder.operations.count
        let results = try importNode(context)
        bindings[node.name] = results
        name(builder.operations.dropFirst(start), results: results, of: node)
      } catch {
        broken.insert(node.name)
        switch error {
        case let problem as UnsupportedCall: problems.append(problem)
        case is BrokenGraph: break
        default: problems.append(context.unsupported((error as? Diagnostic)?.message ?? "\(error)"))
        }
      }
    }
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
      builder.function.setType(inferred.with(shape: traced.shape), of: value)
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

  private func name(_ operations: ArraySlice<Operation>, results: [Operand], of node: TraceNode) {
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
}

// MARK: - What calls need

extension NodeImporter {
  /// Something in a graph could not be imported, and has been noted.
  private struct BrokenGraph: Error {}

  /// A fresh random key.
  func drawKey() -> Value {
    let key = builder.function.makeValue(TensorType(.key), hint: "key")
    keys.append(key)
    return key
  }

  /// Imports a branch or a loop's body into the region that is being built.
  ///
  /// - Parameter operands: what its placeholders stand for.
  /// - Returns: its results.
  func importRegion(_ graph: TraceGraph, _ operands: [Operand], _ context: ImportContext) throws -> [Operand] {
    guard graph.placeholders.count == operands.count else {
      throw context.unsupported("a branch takes \(graph.placeholders.count) tensors and is given \(operands.count)")
    }
    let (outer, outerBroken, origin, drawn, noted) = (bindings, broken, builder.origin, keys.count, problems.count)
    defer { (bindings, broken, builder.origin) = (outer, outerBroken, origin) }
    broken = []
    bindings = Dictionary(
      zip(graph.placeholders.map(\.name), operands.map { [$0] }), uniquingKeysWith: { first, _ in first })
    importNodes(of: graph)
    if problems.count > noted { throw BrokenGraph() }
    if keys.count > drawn { throw context.unsupported("a branch or a loop's body must not draw random numbers") }
    let inside = ImportContext(builder, node: context.node, used: [], importer: self)
    return try graph.outputs.map(inside.operand)
  }
}
