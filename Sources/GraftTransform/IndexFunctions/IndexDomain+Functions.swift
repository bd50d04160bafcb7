import GraftIR

/// Index functions in their simplest form over a domain.
extension IndexDomain {
  /// Functions of more leaves than this are given up.
  static let sizeLimit = 24

  /// `a` where the condition holds, `b` elsewhere; nil for branches of different kinds.
  func choice(_ condition: IndexCondition, _ a: IndexFunction, _ b: IndexFunction) -> IndexFunction? {
    if case .constant(let holds) = condition { return holds ? a : b }
    let (a, b) = (assuming(condition, a), assuming(condition.negated, b))
    if a == b { return a }
    if case .boolean(let a) = a, case .boolean(let b) = b {
      return .boolean(any(all(condition, a), all(condition.negated, b)))
    }
    if case .boolean = a { return nil }
    if case .boolean = b { return nil }
    if agree(a, b, under: condition) { return b }
    if agree(a, b, under: condition.negated) { return a }
    return .choice(condition, a, b)
  }

  /// The function where the condition is known to hold.
  private func assuming(_ condition: IndexCondition, _ function: IndexFunction) -> IndexFunction {
    guard case .choice(let inner, let a, let b) = function else { return function }
    if implies(condition, inner) { return assuming(condition, a) }
    if implies(condition, inner.negated) { return assuming(condition, b) }
    return function
  }

  /// Whether both are the same wherever the condition holds, since it leaves an index one value only.
  private func agree(_ a: IndexFunction, _ b: IndexFunction, under condition: IndexCondition) -> Bool {
    guard let (axis, value) = pinned(by: condition) else { return false }
    func pin(_ k: Int) -> Dim { k == axis ? value : .axis(fromEnd: k) }
    guard let x = substitute(in: a, pin), let y = substitute(in: b, pin) else { return false }
    return x == y
  }

  /// The function with every index replaced by an expression of this domain's indices.
  func substitute(in function: IndexFunction, _ replacement: (Int) -> Dim) -> IndexFunction? {
    switch function {
    case .whole(let value): return .whole(value.substitutingAxes(replacement))
    case .number: return function
    case .boolean(let condition): return .boolean(substitute(in: condition, replacement))
    case .element(let element): return .element(element.substitutingAxes(replacement))
    case .choice(let condition, let a, let b):
      guard let a = substitute(in: a, replacement), let b = substitute(in: b, replacement) else { return nil }
      return choice(substitute(in: condition, replacement), a, b)
    }
  }

  func substitute(in condition: IndexCondition, _ replacement: (Int) -> Dim) -> IndexCondition {
    switch condition {
    case .constant: condition
    case .nonNegative(let value): nonNegative(value.substitutingAxes(replacement))
    case .zero(let value): zero(value.substitutingAxes(replacement))
    case .nonZero(let value): nonZero(value.substitutingAxes(replacement))
    case .element(let element, let holds): .element(element.substitutingAxes(replacement), is: holds)
    case .all(let parts): all(parts.map { substitute(in: $0, replacement) })
    case .any(let parts): any(parts.map { substitute(in: $0, replacement) })
    }
  }

  /// A function of whole numbers applied to every leaf; nil where one is not whole or the result is none.
  func map(_ function: IndexFunction, _ transform: (Dim) -> IndexFunction?) -> IndexFunction? {
    switch function {
    case .whole(let value): return transform(value)
    case .choice(let condition, let a, let b):
      guard let a = map(a, transform), let b = map(b, transform) else { return nil }
      return choice(condition, a, b)
    case .number, .boolean, .element: return nil
    }
  }

  /// A function of two whole numbers applied to all pairs of leaves that may meet.
  func combine(
    _ x: IndexFunction, _ y: IndexFunction, _ transform: (Dim, Dim) -> IndexFunction?
  ) -> IndexFunction? {
    guard x.size * y.size <= Self.sizeLimit else { return nil }
    return map(x) { a in map(y) { b in transform(a, b) } }
  }

  /// A function of two floating numbers applied to all pairs of leaves that may meet.
  func combineNumbers(
    _ x: IndexFunction, _ y: IndexFunction, _ transform: (Double, Double) -> IndexFunction?
  ) -> IndexFunction? {
    guard x.size * y.size <= Self.sizeLimit else { return nil }
    return mapNumbers(x) { a in mapNumbers(y) { b in transform(a, b) } }
  }

  /// A function of floating numbers applied to every leaf; nil where one depends on an index.
  func mapNumbers(_ function: IndexFunction, _ transform: (Double) -> IndexFunction?) -> IndexFunction? {
    switch function {
    case .number(let bits): return transform(Double(bitPattern: bits))
    case .choice(let condition, let a, let b):
      guard let a = mapNumbers(a, transform), let b = mapNumbers(b, transform) else { return nil }
      return choice(condition, a, b)
    case .whole, .boolean, .element: return nil
    }
  }
}
