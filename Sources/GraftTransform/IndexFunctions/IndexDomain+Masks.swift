import GraftIR

/// What masks of attention say.
extension IndexDomain {
  private static let causal = IndexCondition.nonNegative(.axis(fromEnd: 1) - .axis(fromEnd: 0))

  /// The mask less that a query sees no key after its own place, and whether it said so; nil where nothing simpler has
  /// exactly the effect of the mask.
  ///
  /// A boolean mask is true where a key is seen. A mask that is added hides where it is minus infinity and lets see
  /// where it is zero. The lowest number of the element type hides as well, from a query that sees some key: its weight
  /// is zero then for scores that are finite. One that sees none has even weights under it, and zeros under a boolean
  /// mask, so that nothing is done unless each is proved to see one.
  func maskWithoutCausal(
    _ function: IndexFunction, _ dtype: DType
  ) -> (mask: IndexFunction, isCausal: Bool)? {
    if let seen = seen(function, dtype) {
      return (.boolean(withoutCausal(seen)), seen.conjuncts.contains(Self.causal))
    }
    guard case .choice(let seen, let scores, .number(let bits)) = function, seen.conjuncts.contains(Self.causal),
      hides(Double(bitPattern: bits), where: seen.negated, dtype),
      let rest = choice(withoutCausal(seen), scores, .number(bitPattern: bits))
    else { return nil }
    return (rest, true)
  }

  private func withoutCausal(_ seen: IndexCondition) -> IndexCondition {
    all(seen.conjuncts.filter { $0 != Self.causal })
  }

  /// Which keys a query sees under a mask that does nothing else.
  private func seen(_ function: IndexFunction, _ dtype: DType) -> IndexCondition? {
    switch function {
    case .boolean(let condition): return condition
    case .number(let bits): return Double(bitPattern: bits) == 0 ? .constant(true) : nil
    case .choice(let condition, .number(let a), .number(let b)):
      let (x, y) = (Double(bitPattern: a), Double(bitPattern: b))
      if x == 0, hides(y, where: condition.negated, dtype) { return condition }
      if y == 0, hides(x, where: condition, dtype) { return condition.negated }
      return nil
    case .whole, .element, .choice: return nil
    }
  }

  /// Whether adding the number where the condition holds is the same as hiding those keys.
  private func hides(_ number: Double, where condition: IndexCondition, _ dtype: DType) -> Bool {
    if number == -.infinity { return true }
    guard let lowest = dtype.lowest, number <= lowest else { return false }
    return everyQuerySees(condition.negated)
  }

  /// Whether in each row the condition is proved to hold at the first, the last or the row's own place.
  func everyQuerySees(_ seen: IndexCondition) -> Bool {
    var places = [Dim(0), extent(fromEnd: 0) - 1]
    if extent(fromEnd: 1) == extent(fromEnd: 0) { places.append(axis(1)) }
    return places.contains { place in
      substitute(in: seen) { $0 == 0 ? place : axis($0) } == .constant(true)
    }
  }
}

extension IndexFunctionAnalysis {
  /// Whether a condition over the last two axes is proved to hold, or not to hold, somewhere in each row.
  func everyQuerySees(_ condition: Value, _ holds: Bool) -> Bool {
    guard case .boolean(let found) = self[condition] else { return false }
    return domain(function.type(of: condition).shape).everyQuerySees(holds ? found : found.negated)
  }
}

extension IndexFunction {
  /// Whether a mask hides nothing.
  var isOpen: Bool { self == .boolean(.constant(true)) }
}

extension DType {
  /// The lowest finite number of a floating type that masks are made of.
  var lowest: Double? {
    switch self {
    case .float32: -Double(Float.greatestFiniteMagnitude)
    case .float64: -Double.greatestFiniteMagnitude
    default: nil
    }
  }
}
