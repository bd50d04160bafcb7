// Where Python style wants parentheses only so that an expression can break over lines. The rules are those of
// `ruff format`, which follows black.

/// When an expression takes parentheses that only allow it to break.
enum OptionalParentheses {
  /// When it does not fit on the line.
  case multiline
  /// When they make it fit.
  case bestFit
  /// Never: it has brackets of its own to break in.
  case never
}

/// Where an expression stands, as far as that changes `OptionalParentheses`.
enum ParenthesesContext {
  case general
  case returnAnnotation(hasParameters: Bool)
}

/// Whether an expression brings its own brackets.
enum OwnParentheses {
  case empty, nonEmpty
}

extension PythonExpression {
  /// The expression without the parentheses around it.
  var unparenthesized: PythonExpression {
    if case .parenthesized(let inner) = self { inner } else { self }
  }

  var isParenthesized: Bool {
    if case .parenthesized = self { true } else { false }
  }

  func optionalParentheses(in context: ParenthesesContext = .general) -> OptionalParentheses {
    switch self {
    case .name, .integer, .float, .string, .formattedString, .boolean, .none, .ellipsis: return .bestFit
    case .tuple, .list, .set, .dictionary, .comprehension: return .never
    case .binary, .comparison, .logical, .conditional, .lambda, .starred, .slice: return .multiline
    case .parenthesized(let inner): return inner.optionalParentheses(in: context)
    case .unary(_, let operand): return operand.isParenthesized ? .never : operand.optionalParentheses()
    case .attribute(let value, _), .call(let value, _):
      if isFluentChain { return .multiline }
      return value.isParenthesized ? .never : value.optionalParentheses()
    case .subscript(let value, _):
      if isFluentChain { return .multiline }
      if value.isParenthesized { return .never }
      let inner = value.optionalParentheses()
      if case .bestFit = inner, case .returnAnnotation(let hasParameters) = context {
        return hasParameters ? .never : .multiline
      }
      return inner
    }
  }

  var ownParentheses: OwnParentheses? {
    switch self {
    case .comprehension, .subscript: return .nonEmpty
    case .list(let items), .set(let items), .tuple(let items): return items.isEmpty ? .empty : .nonEmpty
    case .dictionary(let entries): return entries.isEmpty ? .empty : .nonEmpty
    case .call(_, let arguments): return arguments.isEmpty ? .empty : .nonEmpty
    default: return nil
    }
  }

  /// The expression's own brackets, or the parentheses around it.
  var anyParentheses: OwnParentheses? { isParenthesized ? .nonEmpty : ownParentheses }

  /// Whether the expression has any place where its line could break.
  var isSplittable: Bool {
    switch self {
    case .name, .integer, .float, .boolean, .none, .ellipsis, .slice, .string, .formattedString: false
    case .comparison, .binary, .logical, .conditional, .subscript, .comprehension: true
    case .tuple(let items), .list(let items), .set(let items): !items.isEmpty
    case .dictionary(let entries): !entries.isEmpty
    case .call(let function, let arguments): !arguments.isEmpty || function.isParenthesized
    case .unary(_, let value), .lambda(_, let value), .starred(let value), .attribute(let value, _):
      value.isParenthesized || value.isSplittable
    case .parenthesized(let inner): inner.isSplittable
    }
  }

  /// Whether a chain of attributes, calls and subscripts is laid out with one method per line: at least two attributes
  /// of calls, subscripts or parentheses.
  var isFluentChain: Bool {
    var attributesOfCalls = 0
    var current = self
    while true {
      switch current {
      case .attribute(let value, _):
        if value.isParenthesized { return attributesOfCalls + 1 >= 2 }
        if value.isCallOrSubscript { attributesOfCalls += 1 }
        current = value
      case .call(let inner, _), .subscript(let inner, _):
        if inner.isParenthesized { return attributesOfCalls >= 2 }
        current = inner
      default: return attributesOfCalls >= 2
      }
    }
  }

  var isCallOrSubscript: Bool {
    switch self {
    case .call, .subscript: true
    default: false
    }
  }

  /// Whether breaking in the expression's own brackets is preferred to parentheses around the whole.
  var canOmitOptionalParentheses: Bool {
    var survey = ParenthesesSurvey()
    survey.visitContent(of: self)
    return survey.canOmitOptionalParentheses
  }
}

/// What decides whether an expression may break in its brackets alone: the loosest operator, how often it occurs, and
/// whether the expression starts or ends with brackets.
private struct ParenthesesSurvey {
  /// From the tightest to the loosest.
  private enum Operators: Int {
    case none, attribute, power, invert, multiplicative, additive, shift, bitAnd, bitXor, bitOr, comparison, logical
    case conditional
  }

  private enum First {
    case token
    case expression(PythonExpression)
  }

  private var loosest = Operators.none
  private var count = 0
  private var hasParentheses = false
  private var first: First?
  private var last: PythonExpression?

  var canOmitOptionalParentheses: Bool {
    if !hasParentheses || count > 1 { return false }
    if loosest == .none || loosest == .attribute { return true }
    if let last, breaksInBrackets(last) { return true }
    if case .expression(let first) = first { return breaksInBrackets(first) }
    return false
  }

  private func breaksInBrackets(_ expression: PythonExpression) -> Bool {
    if case .subscript = expression { return false }
    return expression.anyParentheses == .nonEmpty
  }

  private mutating func record(_ operators: Operators, times: Int = 1) {
    if operators.rawValue > loosest.rawValue {
      loosest = operators
      count = times
    } else if operators == loosest {
      count += times
    }
  }

  private mutating func visit(_ expression: PythonExpression) {
    last = expression
    if expression.isParenthesized { hasParentheses = true } else { visitContent(of: expression) }
    if first == nil { first = .expression(expression) }
  }

  mutating func visitContent(of expression: PythonExpression) {
    switch expression {
    case .dictionary, .list, .set, .comprehension, .tuple: hasParentheses = true
    case .logical(_, let operands):
      record(.logical, times: operands.count - 1)
      for operand in operands { visit(operand) }
    case .binary(let left, let symbol, let right):
      record(Self.operators(symbol))
      visit(left)
      visit(right)
    case .conditional(let body, let test, let orElse):
      record(.conditional, times: 2)
      for part in [body, test, orElse] { visit(part) }
    case .comparison(let left, let rest):
      record(.comparison, times: rest.count)
      visit(left)
      for comparison in rest { visit(comparison.operand) }
    case .call(let value, _), .subscript(let value, _):
      hasParentheses = true
      visit(value)
      last = expression
    case .attribute(let value, _):
      visit(value)
      if value.anyParentheses != nil { record(.attribute) }
      last = expression
    case .unary(let symbol, let operand):
      if symbol == .invert { record(.invert) }
      if first == nil { first = .token }
      visit(operand)
    case .lambda(let parameters, let body):
      if first == nil { first = .token }
      for value in parameters.all.compactMap(\.defaultValue) { visit(value) }
      visit(body)
    case .starred(let value):
      if first == nil { first = .token }
      visit(value)
    case .parenthesized(let inner): visitContent(of: inner)
    case .name, .integer, .float, .string, .formattedString, .boolean, .none, .ellipsis, .slice: break
    }
  }

  private static func operators(_ symbol: PythonBinaryOperator) -> Operators {
    switch symbol {
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
