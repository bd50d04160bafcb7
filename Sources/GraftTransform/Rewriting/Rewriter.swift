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
  private var uses: [Value: Int]

  init(_ function: Function, rules: @escaping (String) -> [RewriteRule]) {
    builder = GraphBuilder(function)
    self.rules = rules
    uses = function.useCounts
  }

  func run() throws -> Function {
    let body = try rewrite(builder.function.body)
    var result = builder.function
    result.body = body
    result.stateUpdates = result.stateUpdates.map { StateUpdate(path: $0.path, value: substitute($0.value)) }
    result.mapPassed { replacements[$0] ?? $0 }
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
    if depth > 0 { for value in operation.operands.flatMap(\.values) { uses[value, default: 0] += 1 } }
    for rule in rules(operation.name) where try replace(operation, by: rule, depth: depth) { return }
    builder.append(operation)
    for result in operation.results { producers[result] = operation }
  }

  private func replace(_ operation: Operation, by rule: RewriteRule, depth: Int) throws -> Bool {
    guard let definition = OpCatalogue.definition(operation.name) else { return false }
    let call = OpCall(operation, of: definition, in: builder.function)
    let site = RewriteSite(
      op: call, origin: operation.origin, producers: producers, uses: uses, function: builder.function)
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
      uses[value, default: 0] += uses[old, default: 0]
      if let hint = builder.function.info(old).hint, value.id >= known || builder.function.info(value).hint == nil {
        builder.function.setHint(hint, of: value)
      }
    }
    release(operation.operands)
    return true
  }

  /// Takes back the uses by an operation that is no longer there, and those by what nothing reads any more.
  private func release(_ operands: [Operand]) {
    var pending = operands.flatMap(\.values)
    while let value = pending.popLast() {
      let left = uses[value, default: 1] - 1
      uses[value] = left
      guard left == 0, let producer = producers[value], producer.results.allSatisfy({ uses[$0, default: 0] == 0 })
      else { continue }
      pending += producer.operands.flatMap(\.values)
    }
  }

  private func problem(_ rule: RewriteRule, _ operation: Operation, _ message: String) -> Diagnostic {
    Diagnostic(
      .internalError, "the rule `\(rule.name)` at \(operation.name) \(message)", at: operation.origin.location)
  }
}

extension Function {
  /// How often each value is read, leaves a block or becomes state.
  fileprivate var useCounts: [Value: Int] {
    var counts: [Value: Int] = [:]
    func count(_ operands: [Operand]) {
      for value in operands.flatMap(\.values) { counts[value, default: 0] += 1 }
    }
    func visit(_ block: Block) {
      for operation in block.operations {
        count(operation.operands)
        operation.regions.forEach(visit)
      }
      count(block.results)
    }
    visit(body)
    count(stateUpdates.map(\.value))
    return counts
  }
}
