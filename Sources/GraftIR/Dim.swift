/// A tensor dimension or any other integer known while tracing: an integer expression over named symbols.
///
/// Held as a polynomial with integer coefficients over atoms (symbols, floor divisions, remainders, maxima and
/// minima) in a canonical order, so that two expressions that are equal by the rules of arithmetic compare equal:
/// `(H + 2 - 3) // 2 + 1 == (H + 1) // 2`. Arithmetic saturates instead of trapping.
package struct Dim: Hashable, Sendable {
  /// An indivisible factor of a term.
  package indirect enum Atom: Hashable, Sendable {
    case symbol(String)
    case floorDivision(Dim, Dim)
    case remainder(Dim, Dim)
    case maximum(Dim, Dim)
    case minimum(Dim, Dim)
  }

  /// `coefficient` times the product of `factors`, which are sorted and may repeat.
  package struct Term: Hashable, Sendable {
    package let coefficient: Int
    package let factors: [Atom]
  }

  /// Sorted terms with distinct factors and coefficients other than zero.
  package let terms: [Term]
  package let constant: Int

  package init(_ constant: Int) {
    self.terms = []
    self.constant = constant
  }

  package static func symbol(_ name: String) -> Dim { Dim(atom: .symbol(name)) }

  /// The atom alone.
  package init(atom: Atom) {
    terms = [Term(coefficient: 1, factors: [atom])]
    constant = 0
  }

  /// The terms must be sorted and distinct already.
  private init(canonical terms: [Term], constant: Int) {
    self.terms = terms
    self.constant = terms.isEmpty ? constant : max(constant, -Int.max)
  }

  init(collecting terms: [Term], constant: Int) {
    var order: [String] = []
    var sums: [String: Term] = [:]
    for term in terms {
      let key = Dim.key(term.factors)
      if let known = sums[key] {
        sums[key] = Term(coefficient: saturatingAdd(known.coefficient, term.coefficient), factors: known.factors)
      } else {
        order.append(key)
        sums[key] = term
      }
    }
    self.terms = order.sorted().compactMap { sums[$0] }.filter { $0.coefficient != 0 }
    self.constant = self.terms.isEmpty ? constant : max(constant, -Int.max)
  }

  /// The value when no symbol is involved.
  package var knownValue: Int? { terms.isEmpty ? constant : nil }

  /// The symbol that the value determines: that of `a * symbol + b` with a positive `a`.
  package var linearSymbol: String? {
    guard terms.count == 1, terms[0].factors.count == 1, terms[0].coefficient > 0,
      case .symbol(let name) = terms[0].factors[0]
    else { return nil }
    return name
  }

  /// The symbols that occur anywhere in the expression, sorted.
  package var symbols: [String] {
    var found: Set<String> = []
    collectSymbols(into: &found)
    return found.sorted()
  }

  /// The symbol when the expression is nothing but one.
  package var asSymbol: String? {
    guard constant == 0, terms.count == 1, terms[0].coefficient == 1, terms[0].factors.count == 1,
      case .symbol(let name) = terms[0].factors[0]
    else { return nil }
    return name
  }

  private func collectSymbols(into found: inout Set<String>) {
    for factor in terms.lazy.flatMap(\.factors) {
      switch factor {
      case .symbol(let name): found.insert(name)
      case .floorDivision(let a, let b), .remainder(let a, let b), .maximum(let a, let b), .minimum(let a, let b):
        a.collectSymbols(into: &found)
        b.collectSymbols(into: &found)
      }
    }
  }

  fileprivate static func key(_ factors: [Atom]) -> String {
    factors.map(\.description).joined(separator: "*")
  }
}

extension Dim: ExpressibleByIntegerLiteral {
  package init(integerLiteral value: Int) { self.init(value) }
}

// MARK: - Arithmetic

extension Dim {
  package static func + (a: Dim, b: Dim) -> Dim {
    if a.terms.isEmpty || b.terms.isEmpty {
      return Dim(canonical: a.terms + b.terms, constant: saturatingAdd(a.constant, b.constant))
    }
    return Dim(collecting: a.terms + b.terms, constant: saturatingAdd(a.constant, b.constant))
  }

  package static prefix func - (a: Dim) -> Dim { a * -1 }

  package static func - (a: Dim, b: Dim) -> Dim { a + -b }

  package static func * (a: Dim, b: Dim) -> Dim {
    if a.terms.isEmpty && b.terms.isEmpty { return Dim(saturatingMultiply(a.constant, b.constant)) }
    if a == 1 || b == 1 { return a == 1 ? b : a }
    var products: [Term] = []
    for x in a.terms {
      if b.constant != 0 { products.append(x.scaled(by: b.constant)) }
      for y in b.terms { products.append(x.multiplied(by: y)) }
    }
    if a.constant != 0 { products += b.terms.map { $0.scaled(by: a.constant) } }
    return Dim(collecting: products, constant: saturatingMultiply(a.constant, b.constant))
  }

  /// Division rounded towards minus infinity; the divisor is taken to be positive.
  package func floorDivided(by divisor: Dim) -> Dim {
    if divisor == 1 { return self }
    if let quotient = exactQuotient(by: divisor) { return quotient }
    guard let d = divisor.knownValue, d > 0 else { return Dim(atom: .floorDivision(self, divisor)) }
    let whole = terms.filter { $0.coefficient % d == 0 }
    let rest = terms.filter { $0.coefficient % d != 0 }
    let quotient = Dim(
      collecting: whole.map { Term(coefficient: $0.coefficient / d, factors: $0.factors) },
      constant: floorDivide(constant, d))
    if rest.isEmpty { return quotient }
    let common = rest.reduce(d) { gcd($0, $1.coefficient) }
    let numerator = Dim(
      collecting: rest.map { Term(coefficient: $0.coefficient / common, factors: $0.factors) },
      constant: floorDivide(floorRemainder(constant, d), common))
    return quotient + Dim(atom: .floorDivision(numerator, Dim(d / common)))
  }

  /// The quotient where the division leaves no rest for every value of the symbols.
  package func exactQuotient(by divisor: Dim) -> Dim? {
    if self == divisor { return 1 }
    if let d = divisor.knownValue {
      guard d != 0, constant.isMultiple(of: d), terms.allSatisfy({ $0.coefficient.isMultiple(of: d) }) else {
        return nil
      }
      return Dim(
        collecting: terms.map { Term(coefficient: floorDivide($0.coefficient, d), factors: $0.factors) },
        constant: floorDivide(constant, d))
    }
    if divisor.terms.count == 1, divisor.constant == 0 {
      guard constant == 0 else { return nil }
      let quotients = terms.map { $0.divided(by: divisor.terms[0]) }
      guard quotients.allSatisfy({ $0 != nil }) else { return nil }
      return quotients.compactMap { $0 }.reduce(0, +)
    }
    // Long division by the term of highest degree, as far as it goes without a rest.
    guard let lead = divisor.leadingTerm else { return nil }
    var (quotient, rest) = (Dim(0), self)
    for _ in 0..<32 {
      if rest == 0 { return quotient }
      guard let next = rest.leadingTerm?.divided(by: lead) else { return nil }
      quotient = quotient + next
      rest = rest - next * divisor
    }
    return nil
  }

  /// The term of highest degree, the first of several in order.
  private var leadingTerm: Term? { terms.max { $0.factors.count < $1.factors.count } }

  /// The remainder with the divisor's sign; the divisor is taken to be positive.
  package func remainder(by divisor: Dim) -> Dim {
    if exactQuotient(by: divisor) != nil { return 0 }
    if let d = divisor.knownValue, d > 0 {
      let rest = Dim(
        collecting: terms.filter { $0.coefficient % d != 0 }, constant: floorRemainder(constant, d))
      if let value = rest.knownValue { return Dim(value) }
      return Dim(atom: .remainder(rest, divisor))
    }
    return Dim(atom: .remainder(self, divisor))
  }

  package func ceilDivided(by divisor: Dim) -> Dim { -((-self).floorDivided(by: divisor)) }

  package static func maximum(_ a: Dim, _ b: Dim) -> Dim {
    if let difference = (a - b).knownValue { return difference >= 0 ? a : b }
    return Dim(atom: a.description <= b.description ? .maximum(a, b) : .maximum(b, a))
  }

  package static func minimum(_ a: Dim, _ b: Dim) -> Dim {
    if let difference = (a - b).knownValue { return difference <= 0 ? a : b }
    return Dim(atom: a.description <= b.description ? .minimum(a, b) : .minimum(b, a))
  }

  package func power(_ exponent: Int) -> Dim {
    (0..<max(0, min(exponent, 16))).reduce(1) { product, _ in product * self }
  }

  /// The value for given symbols, or nil when one is missing or a divisor is zero.
  package func evaluate(_ bindings: [String: Int]) -> Int? {
    var sum = constant
    for term in terms {
      var product = term.coefficient
      for factor in term.factors {
        guard let value = factor.evaluate(bindings) else { return nil }
        product = saturatingMultiply(product, value)
      }
      sum = saturatingAdd(sum, product)
    }
    return sum
  }

  /// The expression with every symbol replaced that `replacement` knows.
  package func substituting(_ replacement: (String) -> Dim?) -> Dim {
    terms.reduce(Dim(constant)) { sum, term in
      sum + term.factors.reduce(Dim(term.coefficient)) { $0 * $1.substituting(replacement) }
    }
  }
}

extension Dim.Term {
  func scaled(by factor: Int) -> Dim.Term {
    Dim.Term(coefficient: saturatingMultiply(coefficient, factor), factors: factors)
  }

  func multiplied(by other: Dim.Term) -> Dim.Term {
    Dim.Term(
      coefficient: saturatingMultiply(coefficient, other.coefficient),
      factors: (factors + other.factors).sorted { $0.description < $1.description })
  }

  /// The quotient when the divisor's factors are all among this term's.
  func divided(by divisor: Dim.Term) -> Dim? {
    guard coefficient.isMultiple(of: divisor.coefficient) else { return nil }
    var left = factors
    for factor in divisor.factors {
      guard let index = left.firstIndex(of: factor) else { return nil }
      left.remove(at: index)
    }
    let quotient = floorDivide(coefficient, divisor.coefficient)
    return left.isEmpty ? Dim(quotient) : Dim(collecting: [.init(coefficient: quotient, factors: left)], constant: 0)
  }
}

extension Dim.Atom {
  func evaluate(_ bindings: [String: Int]) -> Int? {
    switch self {
    case .symbol(let name): return bindings[name]
    case .floorDivision(let a, let b):
      guard let a = a.evaluate(bindings), let b = b.evaluate(bindings), b > 0 else { return nil }
      return floorDivide(a, b)
    case .remainder(let a, let b):
      guard let a = a.evaluate(bindings), let b = b.evaluate(bindings), b > 0 else { return nil }
      return floorRemainder(a, b)
    case .maximum(let a, let b):
      guard let a = a.evaluate(bindings), let b = b.evaluate(bindings) else { return nil }
      return max(a, b)
    case .minimum(let a, let b):
      guard let a = a.evaluate(bindings), let b = b.evaluate(bindings) else { return nil }
      return min(a, b)
    }
  }

  func substituting(_ replacement: (String) -> Dim?) -> Dim {
    switch self {
    case .symbol(let name): replacement(name) ?? .symbol(name)
    case .floorDivision(let a, let b): a.substituting(replacement).floorDivided(by: b.substituting(replacement))
    case .remainder(let a, let b): a.substituting(replacement).remainder(by: b.substituting(replacement))
    case .maximum(let a, let b): .maximum(a.substituting(replacement), b.substituting(replacement))
    case .minimum(let a, let b): .minimum(a.substituting(replacement), b.substituting(replacement))
    }
  }
}

// MARK: - Text

extension Dim: CustomStringConvertible {
  /// Python syntax: `(H + 1) // 2`, `2 * N * T`, `max(N, 4)`.
  package var description: String {
    var text = ""
    for (index, term) in terms.enumerated() {
      let magnitude = term.coefficient.magnitude
      let product = (magnitude == 1 ? [] : ["\(magnitude)"]) + term.factors.map(\.description)
      if index == 0 {
        text = (term.coefficient < 0 ? "-" : "") + product.joined(separator: " * ")
      } else {
        text += (term.coefficient < 0 ? " - " : " + ") + product.joined(separator: " * ")
      }
    }
    if terms.isEmpty { return "\(constant)" }
    if constant != 0 { text += constant < 0 ? " - \(constant.magnitude)" : " + \(constant)" }
    return text
  }

  fileprivate var asOperand: String {
    terms.isEmpty || asSymbol != nil ? description : "(\(description))"
  }
}

extension Dim.Atom: CustomStringConvertible {
  package var description: String {
    switch self {
    case .symbol(let name): name
    case .floorDivision(let a, let b): "(\(a.asOperand) // \(b.asOperand))"
    case .remainder(let a, let b): "(\(a.asOperand) % \(b.asOperand))"
    case .maximum(let a, let b): "max(\(a), \(b))"
    case .minimum(let a, let b): "min(\(a), \(b))"
    }
  }
}

// MARK: - Integers that do not trap

func saturatingAdd(_ a: Int, _ b: Int) -> Int {
  let (sum, overflow) = a.addingReportingOverflow(b)
  return overflow ? (a < 0 ? -Int.max : Int.max) : sum
}

/// The product within ±`Int.max`.
func saturatingMultiply(_ a: Int, _ b: Int) -> Int {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  return overflow ? ((a < 0) == (b < 0) ? Int.max : -Int.max) : max(product, -Int.max)
}

/// Quotient rounded towards minus infinity; zero when the divisor is zero.
func floorDivide(_ a: Int, _ b: Int) -> Int {
  guard b != 0, b != -1 else { return b == 0 ? 0 : saturatingMultiply(a, -1) }
  let quotient = a / b
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient
}

/// The remainder of division by a positive number: from zero up to, not including, the divisor.
func floorRemainder(_ a: Int, _ b: Int) -> Int {
  let remainder = a % b
  return remainder < 0 ? remainder + b : remainder
}

func gcd(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a.magnitude, b.magnitude)
  while b != 0 { (a, b) = (b, a % b) }
  return Int(min(a, UInt(Int.max)))
}
