package import GraftIR
package import GraftOps

/// A small rewriting of one operation: what it looks at, and what it puts in its place.
package struct RewriteRule: Sendable {
  /// Appends operations to the builder and returns what replaces the results, or returns nil when the rule does not
  /// apply. Replacements are values of the types that the results had.
  package typealias Replacement = @Sendable (GraphBuilder, RewriteSite) throws -> [Operand]?

  package var name: String
  /// The names of the ops at which the rule is tried; nil for every op.
  package var ops: [String]?
  package var replacement: Replacement

  package init(_ name: String, _ ops: String..., replacement: @escaping Replacement) {
    self.name = name
    self.ops = ops.isEmpty ? nil : ops
    self.replacement = replacement
  }
}

/// The operation that a rule is tried at, and those that feed it.
package struct RewriteSite {
  package let op: OpCall
  /// Where the operation came from.
  package let origin: Origin
  let producers: [Value: Operation]
  /// How often each value is read or leaves its block.
  let uses: [Value: Int]
  let function: Function

  /// The call of the named op whose only result the operand is.
  package func producer(of operand: Operand, _ name: String) -> OpCall? {
    guard let value = operand.asValue, let operation = producers[value], operation.name == name,
      operation.results.count == 1, let definition = OpCatalogue.definition(name)
    else { return nil }
    return OpCall(operation, of: definition, in: function)
  }

  /// Where the operation that yields the operand came from; nil for a number or an argument.
  package func origin(of operand: Operand) -> Origin? { operand.asValue.flatMap { producers[$0]?.origin } }

  /// The type of a tensor operand, or nil for a number in place.
  package func type(_ operand: Operand) -> TensorType? { operand.asValue.map { function.type(of: $0) } }

  /// The type of the operation's result.
  package var resultType: TensorType? { op.results.first.map { function.type(of: $0) } }

  /// The operand in a list when it has the result's type, so that it can replace the result.
  package func forward(_ operand: Operand) -> [Operand]? { type(operand) == resultType ? [operand] : nil }
}
