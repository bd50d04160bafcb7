extension PythonExpression {
  /// The expression as Python's parser would see it: parentheses where precedence needs them, negative numbers as unary
  /// minus, infinities as calls, degenerate nodes replaced.
  var normalized: PythonExpression {
    switch self {
    case .integer(let value) where value < 0:
      if value == .min { return PythonExpression.binary(.integer(value + 1), .subtract, .integer(1)).normalized }
      return .unary(.minus, .integer(-value))
    case .float(let value): return Self.normalizedFloat(value)
    case .set(let items) where items.isEmpty: return .call(.name("set"), [])
    case .comparison(let first, let rest) where rest.isEmpty: return first.normalized
    case .logical(let symbol, let operands) where operands.count < 2:
      return operands.first?.normalized ?? .boolean(symbol == .and)
    case .comprehension(let comprehension) where comprehension.clauses.isEmpty:
      return comprehension.display.normalized
    case .parenthesized(let inner):
      let inner = inner.normalized
      return inner.hasOwnParentheses ? inner : .parenthesized(inner)
    default: return mapChildren { $0.normalized }.parenthesizingChildren
    }
  }

  private static func normalizedFloat(_ value: Double) -> PythonExpression {
    if value.isNaN { return .call(.name("float"), [.positional(.string("nan"))]) }
    if value.sign == .minus { return .unary(.minus, normalizedFloat(-value)) }
    return value.isInfinite ? .call(.name("float"), [.positional(.string("inf"))]) : .float(value)
  }

  /// Whether parentheses around the expression would say nothing, as it is already in some.
  private var hasOwnParentheses: Bool {
    if case .parenthesized = self { return true }
    return false
  }

  /// The expression in parentheses unless it binds at least as tightly as `minimum`.
  private func binding(_ minimum: PythonPrecedence) -> PythonExpression {
    precedence < minimum ? .parenthesized(self) : self
  }

  private var isNumber: Bool {
    switch self {
    case .integer, .float: true
    default: false
    }
  }

  private var isPower: Bool {
    if case .binary(_, .power, _) = self { true } else { false }
  }

  /// The children are normalised already.
  private var parenthesizingChildren: PythonExpression {
    switch self {
    case .attribute(let value, let name):
      return .attribute(value.isNumber ? .parenthesized(value) : value.binding(.primary), name)
    case .call(let function, let arguments): return .call(function.binding(.primary), arguments)
    case .subscript(let value, let index): return .subscript(value.binding(.primary), index)
    case .starred(let value): return .starred(value.binding(.bitOr))
    case .slice(let lower, let upper, let step):
      func bound(_ part: PythonExpression?) -> PythonExpression? { part?.binding(.conditional) }
      return .slice(lower: bound(lower), upper: bound(upper), step: bound(step))
    case .unary(let symbol, let operand):
      // Not needed around a power, but Python style has them.
      let minimum: PythonPrecedence = symbol == .not ? .not : .unary
      return .unary(symbol, operand.isPower ? .parenthesized(operand) : operand.binding(minimum))
    case .binary(let left, .power, let right):
      return .binary(left.binding(.primary), .power, right.binding(.unary))
    case .binary(let left, let symbol, let right):
      return .binary(left.binding(symbol.precedence), symbol, right.binding(symbol.precedence.tighter))
    case .comparison(let first, let rest):
      return .comparison(
        first.binding(.bitOr), rest.map { PythonComparison($0.operator, $0.operand.binding(.bitOr)) })
    case .logical(let symbol, let operands):
      return .logical(symbol, operands.map { $0.binding(symbol == .or ? .and : .not) })
    case .conditional(let body, let test, let orElse):
      return .conditional(
        body: body.binding(.or), test: test.binding(.or), orElse: orElse)
    case .dictionary(let entries):
      return .dictionary(
        entries.map { entry in
          entry.key == nil ? PythonDictionaryEntry(key: nil, value: entry.value.binding(.bitOr)) : entry
        })
    case .comprehension(let comprehension): return .comprehension(comprehension.parenthesizingClauses)
    default: return self
    }
  }
}

extension PythonComprehension {
  /// What a comprehension without clauses stands for.
  fileprivate var display: PythonExpression {
    switch kind {
    case .list: .list([element])
    case .set: .set([element])
    case .generator: .tuple([element])
    case .dictionary(let key): .dictionary([PythonDictionaryEntry(key: key, value: element)])
    }
  }

  fileprivate var parenthesizingClauses: PythonComprehension {
    func bound(_ expression: PythonExpression) -> PythonExpression {
      expression.precedence < .or ? .parenthesized(expression) : expression
    }
    var copy = self
    copy.clauses = clauses.map {
      Clause(target: $0.target, in: bound($0.iterable), if: $0.conditions.map(bound))
    }
    return copy
  }
}
