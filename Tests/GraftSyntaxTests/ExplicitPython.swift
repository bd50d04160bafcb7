@testable import GraftSyntax

extension PythonExpression {
  /// The same expression with parentheses around every operand, so that its text needs no precedence to be understood.
  var explicit: PythonExpression {
    let inner = mapChildren { child in
      switch child {
      case .slice, .starred: child.explicit
      default: .parenthesized(child.explicit)
      }
    }
    guard case .subscript(let value, .parenthesized(let index)) = inner, case .tuple = index else { return inner }
    return .subscript(value, index)
  }
}
