package import GraftIR
import GraftOps

/// Applies rules to every operation of a function, in regions too, until none applies.
///
/// What a rule appends has the origin of the operation that it replaces; the value that replaces a result takes over
/// its hint, unless it was there before and has its own. Operations that become unused stay for ``EliminateDeadCode``.
package struct Rewriter: Pass {
  package let name: String
  private let everywhere: [RewriteRule]
  private let byOp: [String: [RewriteRule]]

  package init(_ name: String, _ rules: [RewriteRule]) {
    self.name = name
    everywhere = rules.filter { $0.ops == nil }
    byOp = rules.reduce(into: [:]) { table, rule in
      for op in rule.ops ?? [] { table[op, default: []].append(rule) }
    }
  }

  package func run(_ function: Function) throws -> Function {
    let driver = RewriteDriver(function) { [everywhere, byOp] op in everywhere + (byOp[op] ?? []) }
    return try driver.run()
  }
}

private final class RewriteDriver {
  /// How often the replacement of a replacement is replaced before a rule is taken to undo another.
  private static let depthLimit = 64

  private let builder: GraphBuilder
  private let rules: (String) -> [RewriteRule]
  private var replacements: [Value: Value] = [:]
  private var producers: [Value: Operation] = [:]

  init(_ function: Function, rules: @escaping (String) -> [RewriteRule]) {
    builder = GraphBuilder(function)
    self.rules = rules
  }

  func run() throws -> Function {
    let body = try rewrite(builder.function.body)
    var result = builder.function
    result.body = body
    result.stateUpdates = result.stateUpdates.map { StateUpdate(path: $0.path, value: substitute($0.value)) }
    return result
  }

  private func rewrite(_ block: Block) throws -> Block {
    var rewritten = try builder.region { _ in
      for operation in block.operations { try place(operation, depth: 0) }
      return block.results.map(substitute)
    }
    rewritten.arguments = block.arguments
    return rewritten
  }

  private func substitute(_ operand: Operand) -> Operand { operand.mapValues { replacements[$0] ?? $0 } }

  /// Appends the operation, or what the first rule that applies puts in its place.
  private func place(_ original: Operation, depth: Int) throws {
    var operation = original
    operation.operands = original.operands.map(substitute)
    operation.regions = try original.regions.map(rewrite)
    for rule in rules(operation.name) where try replace(operation, by: rule, depth: depth) { return }
    builder.append(operation)
    for result in operation.results { producers[result] = operation }
  }

  private func replace(_ operation: Operation, by rule: RewriteRule, depth: Int) throws -> Bool {
    guard let definition = OpCatalogue.definition(operation.name) else { return false }
    let call = OpCall(operation, of: definition, in: builder.function)
    let site = RewriteSite(
      op: call, origin: operation.origin, producers: producers, function: builder.function)
    let outerOrigin = builder.origin
    builder.origin = operation.origin
    defer { builder.origin = outerOrigin }
    let known = builder.function.values.count
    var found = false
    let draft = try builder.region { _ in
      let replacement = try rule.replacement(builder, site)
      found = replacement != nil
      return replacement ?? []
    }
    guard found else { return false }
    if depth >= Self.depthLimit { throw problem(rule, operation, "is applied without end") }
    for placed in draft.operations { try place(placed, depth: depth + 1) }
    guard draft.results.count == operation.results.count else {
      throw problem(rule, operation, "yields \(draft.results.count) values")
    }
    for (old, new) in zip(operation.results, draft.results) {
      guard let value = substitute(new).asValue else { throw problem(rule, operation, "does not yield a value") }
      let (was, becomes) = (builder.function.type(of: old), builder.function.type(of: value))
      if was.isProvablyDifferent(from: becomes) { throw problem(rule, operation, "turns \(was) into \(becomes)") }
      replacements[old] = value
      if let hint = builder.function.info(old).hint, value.id >= known || builder.function.info(value).hint == nil {
        builder.function.setHint(hint, of: value)
      }
    }
    return true
  }

  private func problem(_ rule: RewriteRule, _ operation: Operation, _ message: String) -> Diagnostic {
    Diagnostic(
      .internalError, "the rule `\(rule.name)` at \(operation.name) \(message)", at: operation.origin.location)
  }
}
