package import GraftIR

/// What every element of a tensor is, as a function of its indices.
///
/// The index along the axis that is `k` from the last is the symbol ``Dim/axis(fromEnd:)``, so that a function keeps its
/// form where a tensor is broadcast along new leading axes. Axes of extent 1 occur in no function: their index is 0.
/// Whole numbers are those of mathematics; they are taken not to overflow their element type.
package indirect enum IndexFunction: Hashable, Sendable {
  /// A whole number, of an integer or floating element type.
  case whole(Dim)
  /// A floating number that does not depend on the indices, by its bits: zero has a sign, and NaN is equal to itself.
  case number(bitPattern: UInt64)
  case boolean(IndexCondition)
  case choice(IndexCondition, IndexFunction, IndexFunction)
  /// An element of a tensor of which nothing is known; booleans are an ``IndexCondition/element(_:is:)``.
  case element(IndexedElement)
}

/// An element of a tensor that the program computes or is given: one index for each of its axes.
package struct IndexedElement: Hashable, Sendable {
  package var value: Value
  package var indices: [Dim]

  package init(_ value: Value, _ indices: [Dim]) {
    self.value = value
    self.indices = indices
  }
}

/// A condition on the indices, and on elements of boolean tensors.
package indirect enum IndexCondition: Hashable, Sendable {
  case constant(Bool)
  case nonNegative(Dim)
  case zero(Dim)
  case nonZero(Dim)
  case element(IndexedElement, is: Bool)
  /// Holds where all of several hold, none of which is constant or itself an `all`.
  case all([IndexCondition])
  /// Holds where any of several holds, none of which is constant or itself an `any`.
  case any([IndexCondition])
}

extension Dim {
  /// The index along the axis that is `k` from the last. No name in a program's text begins with `@`.
  package static func axis(fromEnd k: Int) -> Dim { .symbol("@\(k)") }

  /// The axis that a symbol stands for; nil for a dynamic dimension.
  static func axis(named symbol: String) -> Int? {
    symbol.first == "@" ? Int(symbol.dropFirst()) : nil
  }

  /// The axes, counted from the last, whose index the expression depends on, ascending.
  var axes: [Int] { symbols.compactMap(Dim.axis(named:)).sorted() }

  /// Every index replaced by an expression of others.
  func substitutingAxes(_ replacement: (Int) -> Dim) -> Dim {
    terms.isEmpty ? self : substituting { name in Dim.axis(named: name).map(replacement) }
  }

  /// `coefficient` and `rest` of `coefficient * index + rest`, neither of which depends on that index; nil when the
  /// expression is not of this form.
  func linear(inAxis axis: Int) -> (coefficient: Dim, rest: Dim)? {
    let zero = substitutingAxes { $0 == axis ? 0 : .axis(fromEnd: $0) }
    let one = substitutingAxes { $0 == axis ? 1 : .axis(fromEnd: $0) }
    let coefficient = one - zero
    return coefficient * .axis(fromEnd: axis) + zero == self ? (coefficient, zero) : nil
  }

  /// Whether no number in the expression is too large for its arithmetic to be trusted.
  var isModest: Bool {
    let limit = 1 << 52
    return abs(constant) < limit && terms.allSatisfy { abs($0.coefficient) < limit && $0.factors.count <= 6 }
  }
}

extension IndexFunction {
  static func number(_ value: Double) -> IndexFunction { .number(bitPattern: value.bitPattern) }

  /// The number of leaves.
  var size: Int {
    switch self {
    case .whole, .number, .element: 1
    case .boolean(let condition): condition.size
    case .choice(let condition, let a, let b): condition.size + a.size + b.size
    }
  }

  /// The whole number when it does not depend on anything.
  var knownWhole: Int? { if case .whole(let value) = self { value.knownValue } else { nil } }

  /// The axes, counted from the last, whose index the function depends on.
  package var axes: Set<Int> {
    switch self {
    case .whole(let value): Set(value.axes)
    case .number: []
    case .boolean(let condition): condition.axes
    case .choice(let condition, let a, let b): condition.axes.union(a.axes).union(b.axes)
    case .element(let element): element.axes
    }
  }
}

extension IndexedElement {
  var axes: Set<Int> { Set(indices.flatMap(\.axes)) }

  func substitutingAxes(_ replacement: (Int) -> Dim) -> IndexedElement {
    IndexedElement(value, indices.map { $0.substitutingAxes(replacement) })
  }
}

extension IndexCondition {
  var size: Int {
    switch self {
    case .constant, .nonNegative, .zero, .nonZero, .element: 1
    case .all(let parts), .any(let parts): parts.reduce(0) { $0 + $1.size }
    }
  }

  /// The axes, counted from the last, whose index the condition depends on.
  var axes: Set<Int> {
    switch self {
    case .constant: []
    case .nonNegative(let value), .zero(let value), .nonZero(let value): Set(value.axes)
    case .element(let element, _): element.axes
    case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.axes) }
    }
  }

  /// The condition that holds where this one does not.
  var negated: IndexCondition {
    switch self {
    case .constant(let holds): .constant(!holds)
    case .nonNegative(let value): .nonNegative(-value - 1)
    case .zero(let value): .nonZero(value)
    case .nonZero(let value): .zero(value)
    case .element(let element, let holds): .element(element, is: !holds)
    case .all(let parts): .any(parts.map(\.negated))
    case .any(let parts): .all(parts.map(\.negated))
    }
  }

  /// What all must hold for the condition to hold.
  var conjuncts: [IndexCondition] {
    switch self {
    case .constant(true): []
    case .all(let parts): parts
    default: [self]
    }
  }
}
