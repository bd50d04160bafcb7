package import GraftIR
package import GraftOps

/// An expression that a rule looks for.
///
/// `0.5`, `"x"` and the operators `+`, `-`, `*` and `/` write patterns; sums and products match in either order.
package indirect enum Pattern: Sendable {
  /// Any operand, the same one wherever the name occurs.
  case any(String)
  /// A number in place that is the same in single precision.
  case number(Double)
  /// Any number in place, the same one wherever the name occurs.
  case anyNumber(String)
  /// The only result of an op of these operands; further ones are absent. The call is kept under its name.
  case call(String, [Pattern], name: String)
  /// A list of operands.
  case list([Pattern])
  /// The first of these that leads to a match of the whole.
  case either([Pattern])

  package static func call(_ op: String, _ operands: Pattern..., as name: String = "") -> Pattern {
    .call(op, operands, name: name)
  }

  fileprivate static let commutative: Set<String> = ["add", "multiply"]
}

extension Pattern: ExpressibleByStringLiteral, ExpressibleByFloatLiteral {
  package init(stringLiteral name: String) { self = .any(name) }
  package init(floatLiteral value: Double) { self = .number(value) }

  package static func + (a: Pattern, b: Pattern) -> Pattern { .call("add", a, b) }
  package static func - (a: Pattern, b: Pattern) -> Pattern { .call("subtract", a, b) }
  package static func * (a: Pattern, b: Pattern) -> Pattern { .call("multiply", a, b) }
  package static func / (a: Pattern, b: Pattern) -> Pattern { .call("divide", a, b) }
}

/// What the names in a pattern stand for at one place.
package struct PatternMatch {
  fileprivate var operands: [String: Operand] = [:]
  fileprivate var calls: [String: OpCall] = [:]
  /// The results of the operations below the one at which the pattern was found.
  fileprivate var interior: [Value] = []

  /// The operand under a name; absent when the alternative that was found does not have it.
  package subscript(name: String) -> Operand { operands[name] ?? .absent }

  package func call(_ name: String) -> OpCall? { calls[name] }

  package func number(_ name: String) -> Double? { self[name].asScalar?.asDouble }
}

extension RewriteSite {
  /// The first way in which the operation is an instance of the pattern, if its inner values are used by nothing else
  /// (see ``isClosed(_:reading:)``).
  package func match(_ pattern: Pattern, where condition: (PatternMatch) throws -> Bool) rethrows -> PatternMatch? {
    for match in matches(pattern, op, PatternMatch())
    where isClosed(match.interior, reading: Array(match.operands.values)) {
      if try condition(match) { return match }
    }
    return nil
  }

  package func match(_ pattern: Pattern) -> PatternMatch? { match(pattern) { _ in true } }

  /// Whether the inner values of an expression that ends at the operation are read by nothing but one another and the
  /// operation, and were computed by the same call of a module or by the framework's own layers within it.
  ///
  /// Then nothing that is put in place of the operation, and reads the given operands, computes anything twice or takes a
  /// module apart.
  package func isClosed(_ interior: [Value], reading inputs: [Operand]) -> Bool {
    var open: [Value: Int] = [:]
    for value in interior { open[value] = uses[value, default: 0] }
    if inputs.flatMap(\.values).contains(where: { open[$0] != nil }) { return false }
    var operands = op.operands.flatMap(\.values)
    for value in open.keys {
      guard let operation = producers[value], origin.isOutside(operation.origin) else { return false }
      operands += operation.operands.flatMap(\.values)
    }
    for value in operands where open[value] != nil { open[value, default: 0] -= 1 }
    return open.values.allSatisfy { $0 == 0 }
  }

  private func matches(_ pattern: Pattern, _ operand: Operand, _ match: PatternMatch) -> [PatternMatch] {
    var match = match
    switch pattern {
    case .any(let name): return match.bind(name, operand) ? [match] : []
    case .number(let number):
      return operand.asScalar?.asDouble.map { Float($0) == Float(number) } == true ? [match] : []
    case .anyNumber(let name):
      return operand.asScalar?.asDouble != nil && match.bind(name, operand) ? [match] : []
    case .either(let patterns): return patterns.flatMap { matches($0, operand, match) }
    case .call(let op, _, _):
      guard let value = operand.asValue, let call = producer(of: operand, op) else { return [] }
      match.interior.append(value)
      return matches(pattern, call, match)
    case .list(let patterns):
      guard case .list(let values) = operand, values.count == patterns.count else { return [] }
      return matches(patterns, values.map { .value($0) }, match)
    }
  }

  private func matches(_ pattern: Pattern, _ call: OpCall, _ match: PatternMatch) -> [PatternMatch] {
    if case .either(let patterns) = pattern { return patterns.flatMap { matches($0, call, match) } }
    guard case .call(let op, let patterns, let name) = pattern, call.definition.name == op else { return [] }
    var match = match
    if !name.isEmpty { match.calls[name] = call }
    guard call.operands.dropFirst(patterns.count).allSatisfy(\.isAbsent) else { return [] }
    let operands = patterns.indices.map { call[$0] }
    let found = matches(patterns, operands, match)
    return Pattern.commutative.contains(op) ? found + matches(patterns, operands.reversed(), match) : found
  }

  private func matches(_ patterns: [Pattern], _ operands: [Operand], _ match: PatternMatch) -> [PatternMatch] {
    zip(patterns, operands).reduce([match]) { found, pair in found.flatMap { matches(pair.0, pair.1, $0) } }
  }
}

extension PatternMatch {
  /// Whether the name stands for nothing else; then it stands for the operand.
  fileprivate mutating func bind(_ name: String, _ operand: Operand) -> Bool {
    if operands[name, default: operand] != operand { return false }
    operands[name] = operand
    return true
  }
}

extension Origin {
  /// Whether the other operation belongs to the same call of a module, or to the framework's own layers within.
  func isOutside(_ other: Origin) -> Bool {
    other.modules.starts(with: modules) && other.modules.dropFirst(modules.count).allSatisfy(\.isFrameworkLayer)
  }
}
