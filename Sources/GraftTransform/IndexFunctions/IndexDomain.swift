package import GraftIR

/// Where an index function is looked at: the shape of its tensor, and what the dynamic dimensions may be.
///
/// What is proved holds for every element of every tensor that the symbols allow; what is not proved may hold as well.
package struct IndexDomain: Sendable {
  package let shape: [Dim]
  private let symbols: [String: Symbol]

  package init(_ shape: [Dim], symbols: [Symbol]) {
    self.init(shape, Dictionary(symbols.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a }))
  }

  private init(_ shape: [Dim], _ symbols: [String: Symbol]) {
    self.shape = shape
    self.symbols = symbols
  }

  /// The same symbols with another shape.
  package func with(shape: [Dim]) -> IndexDomain { IndexDomain(shape, symbols) }

  /// The extent of the axis that is `k` from the last.
  package func extent(fromEnd k: Int) -> Dim { k < shape.count ? shape[shape.count - 1 - k] : 1 }

  /// The index along the axis that is `k` from the last.
  package func axis(_ k: Int) -> Dim { extent(fromEnd: k) == 1 ? 0 : .axis(fromEnd: k) }
}

// MARK: - Bounds

extension IndexDomain {
  private static let stepLimit = 64

  /// Whether the value is proved to be at least zero.
  package func isNonNegative(_ value: Dim) -> Bool { isNonNegative(value, depth: 0) }

  package func isPositive(_ value: Dim) -> Bool { isNonNegative(value - 1) }

  /// Whether one value is proved never to be the other.
  func areDifferent(_ a: Dim, _ b: Dim) -> Bool { isPositive(a - b) || isPositive(b - a) }

  private func isNonNegative(_ value: Dim, depth: Int) -> Bool {
    if value.terms.isEmpty { return value.constant >= 0 }
    guard depth < 4, let bound = boundWithoutAxes(value, depth: depth) else { return false }
    return isNonNegativeOverSymbols(bound, depth: depth)
  }

  /// A value without indices that is at most `value`, by putting the least or greatest index in their place.
  private func boundWithoutAxes(_ value: Dim, depth: Int) -> Dim? {
    var bound = value
    for _ in 0..<Self.stepLimit {
      guard let term = bound.terms.first(where: { $0.factors.contains(where: \.dependsOnAxes) }) else { return bound }
      guard term.factors.allSatisfy({ isNonNegative($0, depth: depth) }) else { return nil }
      bound = bound - Dim(term)
      if term.coefficient > 0 { continue }
      guard let index = term.factors.firstIndex(where: \.dependsOnAxes),
        let greatest = upperBound(term.factors[index], depth: depth)
      else { return nil }
      var others = term.factors
      others.remove(at: index)
      bound = bound + Dim(others, coefficient: term.coefficient) * greatest
    }
    return nil
  }

  private func isNonNegative(_ atom: Dim.Atom, depth: Int) -> Bool {
    switch atom {
    case .symbol(let name): Dim.axis(named: name) != nil || (symbols[name]?.minimum ?? 0) >= 0
    case .floorDivision(let a, let b): isNonNegative(a, depth: depth + 1) && isNonNegative(b - 1, depth: depth + 1)
    case .remainder(_, let b): isNonNegative(b - 1, depth: depth + 1)
    case .maximum(let a, let b): isNonNegative(a, depth: depth + 1) || isNonNegative(b, depth: depth + 1)
    case .minimum(let a, let b): isNonNegative(a, depth: depth + 1) && isNonNegative(b, depth: depth + 1)
    }
  }

  /// A value that is at least that of a factor which is not negative.
  private func upperBound(_ atom: Dim.Atom, depth: Int) -> Dim? {
    switch atom {
    case .symbol(let name): return Dim.axis(named: name).map { extent(fromEnd: $0) - 1 }
    case .floorDivision(let a, let b):
      guard a.isMonotone, b.axes.isEmpty else { return nil }
      return a.substitutingAxes { extent(fromEnd: $0) - 1 }.floorDivided(by: b)
    case .remainder(_, let b): return b - 1
    case .minimum(let a, _): return a
    case .maximum(let a, let b):
      return isNonNegative(a, depth: depth + 1) && isNonNegative(b, depth: depth + 1) ? a + b : nil
    }
  }

  /// Every symbol is its minimum and something that is not negative; where no term is negative then, nothing is.
  private func isNonNegativeOverSymbols(_ value: Dim, depth: Int) -> Bool {
    var shifted = value.substituting { name in .symbol(name) + Dim(symbols[name]?.minimum ?? 0) }
    for _ in 0..<Self.stepLimit {
      guard let term = shifted.terms.first(where: { $0.coefficient < 0 }) else { break }
      guard term.factors.allSatisfy({ isNonNegativeShifted($0, depth: depth) }),
        let index = term.factors.firstIndex(where: { greatestShifted($0) != nil }),
        let greatest = greatestShifted(term.factors[index])
      else { return false }
      var others = term.factors
      others.remove(at: index)
      shifted = shifted - Dim(term) + Dim(others, coefficient: term.coefficient) * greatest
    }
    return shifted.constant >= 0
      && shifted.terms.allSatisfy { term in
        term.coefficient > 0 && term.factors.allSatisfy { isNonNegativeShifted($0, depth: depth) }
      }
  }

  /// Whether a factor is not negative, its symbols being counted from their minimum.
  private func isNonNegativeShifted(_ atom: Dim.Atom, depth: Int) -> Bool {
    if case .symbol = atom { return true }
    let fromZero = IndexDomain([], [:])
    return fromZero.isNonNegative(atom, depth: depth + 1)
  }

  private func greatestShifted(_ atom: Dim.Atom) -> Dim? {
    switch atom {
    case .symbol(let name):
      guard let symbol = symbols[name], let maximum = symbol.maximum, maximum >= symbol.minimum else { return nil }
      return Dim(maximum) - Dim(symbol.minimum)
    case .remainder(_, let b): return b - 1
    case .minimum(let a, _): return a
    case .floorDivision, .maximum: return nil
    }
  }
}

extension Dim {
  init(_ term: Term) { self.init(term.factors, coefficient: term.coefficient) }

  /// Whether the value grows, or stays, as any of its symbols grows.
  fileprivate var isMonotone: Bool {
    terms.allSatisfy { term in
      term.coefficient > 0 && term.factors.allSatisfy { if case .symbol = $0 { true } else { false } }
    }
  }

  init(_ factors: [Atom], coefficient: Int) {
    self = factors.reduce(Dim(coefficient)) { $0 * Dim(atom: $1) }
  }
}

extension Dim.Atom {
  fileprivate var dependsOnAxes: Bool { !Dim(atom: self).axes.isEmpty }
}
