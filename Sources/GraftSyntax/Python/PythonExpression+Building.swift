// Emitters build all their code from these: a string literal is a name or a dotted path, Swift's operators stand for
// Python's, and calls read as calls.

extension PythonExpression: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral
{
  /// A name, or a dotted path: `"x"`, `"jnp.exp"`. (A Python string is `.string("x")`.)
  package init(stringLiteral value: String) { self = .path(value) }

  package init(integerLiteral value: Int) { self = .integer(value) }

  package init(floatLiteral value: Double) { self = .float(value) }

  package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension PythonExpression {
  /// The one item, or a tuple of several.
  package static func tuple(orSole items: [PythonExpression]) -> PythonExpression {
    items.count == 1 ? items[0] : .tuple(items)
  }

  /// A name with attributes: `.path("jax.nn.relu")`.
  package static func path(_ dotted: String) -> PythonExpression {
    let parts = dotted.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first else { return .name(dotted) }
    return parts.dropFirst().reduce(.name(first)) { .attribute($0, $1) }
  }

  /// `{"key": value}` with string keys.
  package static func dictionary(stringKeys entries: [(String, PythonExpression)]) -> PythonExpression {
    .dictionary(entries.map { PythonDictionaryEntry(key: .string($0.0), value: $0.1) })
  }

  /// `lower:upper:step`
  package static func slice(
    _ lower: PythonExpression?, _ upper: PythonExpression?, step: PythonExpression? = nil
  ) -> PythonExpression {
    .slice(lower: lower, upper: upper, step: step)
  }

  /// `:`, all of an axis.
  package static var fullSlice: PythonExpression { .slice(lower: nil, upper: nil, step: nil) }

  /// `self.name`
  package func attribute(_ name: String) -> PythonExpression { .attribute(self, name) }

  /// `self(a, b, key=c)`
  package func call(
    _ positional: PythonExpression..., keywords: [(String, PythonExpression)] = []
  ) -> PythonExpression {
    call(positional, keywords: keywords)
  }

  /// `self(a, b, key=c)`
  package func call(
    _ positional: [PythonExpression], keywords: [(String, PythonExpression)] = []
  ) -> PythonExpression {
    .call(self, positional.map { .positional($0) } + keywords.map { .keyword($0.0, $0.1) })
  }

  /// `self.name(a, b, key=c)`
  package func method(
    _ name: String, _ positional: PythonExpression..., keywords: [(String, PythonExpression)] = []
  ) -> PythonExpression {
    attribute(name).call(positional, keywords: keywords)
  }

  /// `self[a]`, or `self[a, b]` with several indices.
  package subscript(_ indices: PythonExpression...) -> PythonExpression {
    .subscript(self, indices.count == 1 ? indices[0] : .tuple(indices))
  }

  /// `[element for target in iterable]`
  package static func listComprehension(
    _ element: PythonExpression, for target: PythonExpression, in iterable: PythonExpression,
    if conditions: [PythonExpression] = []
  ) -> PythonExpression {
    .comprehension(PythonComprehension(.list, element, for: [.init(target: target, in: iterable, if: conditions)]))
  }

  /// `element for target in iterable`, in parentheses unless it is a call's only argument.
  package static func generator(
    _ element: PythonExpression, for target: PythonExpression, in iterable: PythonExpression,
    if conditions: [PythonExpression] = []
  ) -> PythonExpression {
    .comprehension(
      PythonComprehension(.generator, element, for: [.init(target: target, in: iterable, if: conditions)]))
  }
}

extension PythonExpression {
  package static func + (left: Self, right: Self) -> Self { .binary(left, .add, right) }
  package static func - (left: Self, right: Self) -> Self { .binary(left, .subtract, right) }
  package static func * (left: Self, right: Self) -> Self { .binary(left, .multiply, right) }
  package static func / (left: Self, right: Self) -> Self { .binary(left, .divide, right) }
  package static func % (left: Self, right: Self) -> Self { .binary(left, .modulo, right) }
  package static func & (left: Self, right: Self) -> Self { .binary(left, .bitAnd, right) }
  package static func | (left: Self, right: Self) -> Self { .binary(left, .bitOr, right) }
  package static func ^ (left: Self, right: Self) -> Self { .binary(left, .bitXor, right) }
  package static func << (left: Self, right: Self) -> Self { .binary(left, .leftShift, right) }
  package static func >> (left: Self, right: Self) -> Self { .binary(left, .rightShift, right) }
  package static prefix func - (operand: Self) -> Self { .unary(.minus, operand) }
  package static prefix func ~ (operand: Self) -> Self { .unary(.invert, operand) }
  package static prefix func ! (operand: Self) -> Self { .unary(.not, operand) }

  /// `self // divisor`
  package func floorDivided(by divisor: Self) -> Self { .binary(self, .floorDivide, divisor) }

  /// `self @ other`
  package func matmul(_ other: Self) -> Self { .binary(self, .matmul, other) }

  /// `self**exponent`
  package func power(_ exponent: Self) -> Self { .binary(self, .power, exponent) }

  /// `self < other`; on a comparison it continues the chain: `0 < x < n`.
  package func compared(_ operator: PythonComparisonOperator, _ other: Self) -> Self {
    if case .comparison(let first, let rest) = self, !rest.isEmpty {
      return .comparison(first, rest + [PythonComparison(`operator`, other)])
    }
    return .comparison(self, [PythonComparison(`operator`, other)])
  }

  /// `self and other`; a conjunction on the left is continued.
  package func and(_ other: Self) -> Self { joined(.and, other) }

  /// `self or other`; a disjunction on the left is continued.
  package func or(_ other: Self) -> Self { joined(.or, other) }

  /// `self if test else orElse`
  package func conditional(if test: Self, else orElse: Self) -> Self {
    .conditional(body: self, test: test, orElse: orElse)
  }

  private func joined(_ symbol: PythonLogicalOperator, _ other: Self) -> Self {
    if case .logical(symbol, let operands) = self, operands.count > 1 { return .logical(symbol, operands + [other]) }
    return .logical(symbol, [self, other])
  }
}
