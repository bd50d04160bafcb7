package import GraftIR

/// Which type each variable of a function has at each of its statements.
package struct VariableTypes: Sendable {
  private var changes: [String: [(position: Int, type: TensorType)]] = [:]

  package init() {}

  /// Notes that the statement at a position assigns a variable; an input is declared at -1.
  package mutating func declare(_ name: String, as type: TensorType, at position: Int) {
    changes[name, default: []].append((position, type))
  }

  /// The same where more statements stand at the beginning.
  package func moved(by count: Int) -> VariableTypes {
    var moved = self
    moved.changes = changes.mapValues { $0.map { ($0.position < 0 ? $0.position : $0.position + count, $0.type) } }
    return moved
  }

  /// The type that a variable has before the statement at a position; nil if it has none there.
  package func type(of name: String, before position: Int) -> TensorType? {
    changes[name]?.last { $0.position < position }?.type
  }
}
