/// A prefix operator.
package enum PythonUnaryOperator: String, Hashable, Sendable, CaseIterable {
  case minus = "-"
  case plus = "+"
  case invert = "~"
  case not = "not"
}

/// An arithmetic or bitwise operator.
package enum PythonBinaryOperator: String, Hashable, Sendable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case matmul = "@"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
  case leftShift = "<<"
  case rightShift = ">>"
  case bitAnd = "&"
  case bitOr = "|"
  case bitXor = "^"
}

package enum PythonComparisonOperator: String, Hashable, Sendable, CaseIterable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case `is` = "is"
  case isNot = "is not"
  case `in` = "in"
  case notIn = "not in"
}

package enum PythonLogicalOperator: String, Hashable, Sendable, CaseIterable {
  case and
  case or
}

/// How tightly an expression binds, from the loosest to the tightest (Python reference, section 6.17).
enum PythonPrecedence: Int, Comparable {
  case lambda, conditional, or, and, not, comparison, bitOr, bitXor, bitAnd, shift, additive, multiplicative, unary
  case power, primary, atom

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The next tighter level.
  var tighter: PythonPrecedence { PythonPrecedence(rawValue: rawValue + 1) ?? .atom }
}

extension PythonBinaryOperator {
  var precedence: PythonPrecedence {
    switch self {
    case .add, .subtract: .additive
    case .multiply, .matmul, .divide, .floorDivide, .modulo: .multiplicative
    case .power: .power
    case .leftShift, .rightShift: .shift
    case .bitAnd: .bitAnd
    case .bitXor: .bitXor
    case .bitOr: .bitOr
    }
  }
}

extension PythonExpression {
  var precedence: PythonPrecedence {
    switch self {
    case .lambda: .lambda
    case .conditional: .conditional
    case .logical(.or, _): .or
    case .logical(.and, _): .and
    case .unary(.not, _): .not
    case .unary: .unary
    case .comparison: .comparison
    case .binary(_, let symbol, _): symbol.precedence
    case .attribute, .call, .subscript: .primary
    case .starred, .slice: .lambda
    case .name, .integer, .float, .string, .formattedString, .boolean, .none, .ellipsis, .tuple, .list, .set,
      .dictionary,
      .comprehension, .parenthesized:
      .atom
    }
  }
}
