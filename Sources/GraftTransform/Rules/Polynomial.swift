import GraftIR
import GraftOps

/// A polynomial of a few values: the form in which sums and products are the same however they were written.
struct Polynomial {
  /// By the powers of the values.
  private var coefficients: [[Int]: Double]

  private static let degreeLimit = 4

  init(_ coefficients: [[Int]: Double]) { self.coefficients = coefficients.filter { $0.value != 0 } }

  /// Whether the coefficients are the same to half a unit of the type's last place.
  func isClose(to other: Polynomial, in dtype: DType) -> Bool {
    let tolerance = dtype == .float64 ? 1e-15 : 0x1p-24
    return coefficients.count == other.coefficients.count
      && coefficients.allSatisfy { powers, value in
        other.coefficients[powers].map { abs(value - $0) <= tolerance * abs($0) } ?? false
      }
  }

  fileprivate var asNumber: Double? {
    if coefficients.isEmpty { return 0 }
    guard coefficients.count == 1, let only = coefficients.first, only.key.allSatisfy({ $0 == 0 }) else { return nil }
    return only.value
  }

  fileprivate static func + (a: Polynomial, b: Polynomial) -> Polynomial {
    Polynomial(a.coefficients.merging(b.coefficients, uniquingKeysWith: +))
  }

  /// Nil where the degree gets too high.
  fileprivate static func * (a: Polynomial, b: Polynomial) -> Polynomial? {
    var product: [[Int]: Double] = [:]
    for (x, first) in a.coefficients {
      for (y, second) in b.coefficients {
        let powers = zip(x, y).map { $0 + $1 }
        if powers.reduce(0, +) > degreeLimit { return nil }
        product[powers, default: 0] += first * second
      }
    }
    return Polynomial(product)
  }
}

/// Reads values as polynomials of others.
struct PolynomialReader {
  /// The ops that are read through.
  static let arithmetic: Set<String> = ["add", "subtract", "multiply", "divide", "negative", "power", "square"]
  private static let depthLimit = 8

  let site: RewriteSite
  let variables: [Operand]
  /// The values between the ones that were read and the variables.
  private(set) var interior: [Value] = []

  init(_ site: RewriteSite, of variables: Operand...) {
    self.site = site
    self.variables = variables
  }

  /// The operand as a polynomial; nil where anything but arithmetic leads to it.
  mutating func polynomial(_ operand: Operand, depth: Int = 0) -> Polynomial? {
    if let index = variables.firstIndex(of: operand) {
      return Polynomial([variables.indices.map { $0 == index ? 1 : 0 }: 1])
    }
    if let number = operand.asScalar?.asDouble { return constant(number) }
    guard depth < Self.depthLimit, let call = site.arithmetic(operand) else { return nil }
    interior += operand.values
    return polynomial(call, depth: depth)
  }

  /// The result of a call as a polynomial.
  mutating func polynomial(_ call: OpCall, depth: Int = 0) -> Polynomial? {
    guard let x = polynomial(call[0], depth: depth + 1) else { return nil }
    switch call.definition.name {
    case "negative": return x * constant(-1)
    case "square": return x * x
    case "power":
      guard let exponent = call[1].asScalar?.asDouble, let power = Int(exactly: exponent), (1...3).contains(power)
      else { return nil }
      return (1..<power).reduce(x) { product, _ in product.flatMap { $0 * x } }
    default: break
    }
    guard let y = polynomial(call[1], depth: depth + 1) else { return nil }
    switch call.definition.name {
    case "add": return x + y
    case "subtract": return (y * constant(-1)).map { x + $0 }
    case "multiply": return x * y
    case "divide":
      guard let divisor = y.asNumber, divisor != 0, divisor.isFinite else { return nil }
      return x * constant(1 / divisor)
    default: return nil
    }
  }

  private func constant(_ value: Double) -> Polynomial { Polynomial([variables.map { _ in 0 }: value]) }
}

extension RewriteSite {
  /// The call that yields the operand, if it is sums and products.
  func arithmetic(_ operand: Operand) -> OpCall? {
    guard let value = operand.asValue, let name = producers[value]?.name, PolynomialReader.arithmetic.contains(name)
    else { return nil }
    return producer(of: operand, name)
  }

  /// The values that arithmetic down to some depth leads to the operands from, each once and the nearest first.
  func arithmeticSources(_ operands: [Operand], depth: Int) -> [Operand] {
    var found: [Operand] = []
    var level = operands
    for _ in 0...depth {
      level = level.filter { $0.asValue != nil && !found.contains($0) }
      found += level.enumerated().filter { !level[..<$0.offset].contains($0.element) }.map(\.element)
      level = level.flatMap { arithmetic($0)?.operands ?? [] }
    }
    return found
  }
}
