import GraftIR

/// Conditions in their simplest form over a domain.
extension IndexDomain {
  /// `value >= 0`.
  func nonNegative(_ value: Dim) -> IndexCondition {
    if isNonNegative(value) { return .constant(true) }
    if isNonNegative(-value - 1) { return .constant(false) }
    let divisor = value.coefficientDivisor
    return .nonNegative(divisor > 1 ? value.floorDivided(by: Dim(divisor)) : value)
  }

  /// `value == 0`.
  func zero(_ value: Dim) -> IndexCondition {
    if let known = value.knownValue { return .constant(known == 0) }
    if isPositive(value) || isPositive(-value) { return .constant(false) }
    let divisor = value.coefficientDivisor
    if !value.constant.isMultiple(of: divisor) { return .constant(false) }
    let reduced = divisor > 1 ? value.floorDivided(by: Dim(divisor)) : value
    return .zero((reduced.terms.first?.coefficient ?? 1) < 0 ? -reduced : reduced)
  }

  func nonZero(_ value: Dim) -> IndexCondition { zero(value).negated }

  /// `a == b`.
  func equal(_ a: Dim, _ b: Dim) -> IndexCondition { zero(a - b) }

  /// `a < b`.
  func less(_ a: Dim, _ b: Dim) -> IndexCondition { nonNegative(b - a - 1) }

  /// `a <= b`.
  func lessEqual(_ a: Dim, _ b: Dim) -> IndexCondition { nonNegative(b - a) }

  func all(_ parts: IndexCondition...) -> IndexCondition { all(parts) }

  func any(_ parts: IndexCondition...) -> IndexCondition { any(parts) }

  /// Whether all hold: without what always holds or follows from another.
  func all(_ parts: [IndexCondition]) -> IndexCondition {
    var kept: [IndexCondition] = []
    for part in parts.flatMap(\.conjuncts) {
      if part == .constant(false) || kept.contains(where: { implies(part, $0.negated) }) { return .constant(false) }
      if kept.contains(where: { implies($0, part) }) { continue }
      if let index = kept.firstIndex(where: { strict($0, part) != nil }), let both = strict(kept[index], part) {
        kept[index] = both
        return all(kept + parts.flatMap(\.conjuncts))
      }
      kept.removeAll { implies(part, $0) }
      kept.append(part)
    }
    return kept.isEmpty ? .constant(true) : kept.count == 1 ? kept[0] : .all(kept)
  }

  /// `value > 0` where one condition is `value >= 0` and the other `value != 0`; `value == 0` for `value >= 0` and
  /// `value <= 0`.
  private func strict(_ a: IndexCondition, _ b: IndexCondition) -> IndexCondition? {
    switch (a, b) {
    case (.nonNegative(let value), .nonZero(let other)), (.nonZero(let other), .nonNegative(let value)):
      value == other || value == -other ? nonNegative(value - 1) : nil
    case (.nonNegative(let value), .nonNegative(let other)): value == -other ? zero(value) : nil
    default: nil
    }
  }

  /// Whether any holds.
  func any(_ parts: [IndexCondition]) -> IndexCondition { all(parts.map(\.negated)).negated }

  /// Whether the second condition is proved to hold wherever the first does.
  func implies(_ first: IndexCondition, _ second: IndexCondition) -> Bool {
    if first == second { return true }
    switch (first, second) {
    case (.nonNegative(let a), .nonNegative(let b)): return isNonNegative(b - a)
    case (.nonNegative(let a), .nonZero(let b)): return isPositive(b - a) || isPositive(-b - a)
    case (.zero(let a), .nonNegative(let b)): return isNonNegative(b - a) || isNonNegative(b + a)
    case (.zero(let a), .nonZero(let b)): return areDifferent(a, b) && areDifferent(a, -b)
    case (_, .any(let parts)): return parts.contains { implies(first, $0) }
    case (.all(let parts), _): return parts.contains { implies($0, second) }
    default: return false
    }
  }

  /// The index that the condition leaves one value only, and that value.
  func pinned(by condition: IndexCondition) -> (axis: Int, value: Dim)? {
    let residue: Dim
    switch condition {
    case .zero(let value): residue = value
    case .nonNegative(let value) where isNonNegative(-value): residue = value
    default: return nil
    }
    for axis in residue.axes {
      guard let (coefficient, rest) = residue.linear(inAxis: axis) else { continue }
      if coefficient == 1 { return (axis, -rest) }
      if coefficient == -1 { return (axis, rest) }
    }
    return nil
  }
}

extension Dim {
  /// The greatest common divisor of the coefficients, the constant apart; 1 where there are none.
  fileprivate var coefficientDivisor: Int {
    var divisor = 0
    for term in terms {
      var (a, b) = (divisor, abs(term.coefficient))
      while b != 0 { (a, b) = (b, a % b) }
      divisor = a
    }
    return max(divisor, 1)
  }
}
