import Foundation

extension SpecialFunctions {
  /// log |gamma(x)|.
  static func logarithmOfGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  /// The derivative of log gamma: moved up by its recurrence, then by its asymptotic series (Abramowitz and Stegun,
  /// 6.3.5 and 6.3.18).
  static func digamma(_ x: Double) -> Double {
    if x == 0 { return x.sign == .minus ? .infinity : -.infinity }
    if x.isNaN || x == -.infinity { return .nan }
    if x == .infinity { return x }
    if x < 0 {
      let whole = x.rounded(.towardZero)
      if whole == x { return .nan }
      return digamma(1 - x) - .pi / tan(.pi * (x - whole))
    }
    var (shifted, result) = (x, 0.0)
    while shifted < 10 {
      result -= 1 / shifted
      shifted += 1
    }
    let z = 1 / (shifted * shifted)
    let series = asymptotic.reversed().reduce(0) { ($0 + $1) * z }
    return result + log(shifted) - 0.5 / shifted - series
  }

  /// `B(2k) / 2k` with the Bernoulli numbers.
  private static let asymptotic: [Double] = [
    1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12,
  ]

  /// The derivative of the digamma function of an order: `(-1)^(n + 1) n! zeta(n + 1, x)`.
  static func polygamma(_ order: Double, _ x: Double) -> Double {
    if order == 0 { return digamma(x) }
    if order == 1, x < 0 {
      // The reflection of the trigamma function.
      let sine = sin(.pi * (x - x.rounded(.towardZero)))
      return .pi * .pi / (sine * sine) - polygamma(1, 1 - x)
    }
    let sign: Double = order.truncatingRemainder(dividingBy: 2) == 0 ? -1 : 1
    return sign * exp(logarithmOfGamma(order + 1)) * zeta(order + 1, x)
  }

  /// The Hurwitz zeta function, the sum of `(y + k)^-x` over all k from 0 on: ten terms, then the formula of Euler and
  /// Maclaurin (Moshier: "Methods and programs for mathematical functions", 1989).
  static func zeta(_ x: Double, _ y: Double) -> Double {
    if x == 1 { return .infinity }
    if x.isNaN || y.isNaN || x < 1 { return .nan }
    if y <= 0 {
      if y == y.rounded(.down) { return .infinity }
      if x != x.rounded(.down) { return .nan }
    }
    var (sum, base) = (pow(y, -x), y)
    var terms = 0
    while terms < 9 || base <= 9 {
      // What lies this far left of zero has no use, and would take as many terms.
      if terms > 1_000_000 { return .nan }
      terms += 1
      base += 1
      let term = pow(base, -x)
      sum += term
      if abs(term) < 1e-17 * abs(sum) { return sum }
    }
    let last = pow(base, -x)
    sum += last * base / (x - 1) - last / 2
    var (factor, power, k) = (1.0, last, 0.0)
    for coefficient in maclaurin {
      factor *= x + k
      power /= base
      let term = factor * power / coefficient
      sum += term
      if abs(term) < 1e-17 * abs(sum) { break }
      factor *= x + k + 1
      power /= base
      k += 2
    }
    return sum
  }

  /// `(2k)! / B(2k)` with the Bernoulli numbers.
  private static let maclaurin: [Double] = [
    12, -720, 30240, -1_209_600, 47_900_160, -1.8924375803183791606e9, 7.47242496e10, -2.950130727918164224e12,
    1.1646782814350067249e14, -4.5979787224074726105e15, 1.8152105401943546773e17, -7.1661652561756670113e18,
  ]

  // MARK: Incomplete gamma functions

  /// The regularised lower incomplete gamma function of shape a at x.
  static func lowerGamma(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || a.isNaN || x < 0 || a < 0 { return .nan }
    if a == 0 { return x > 0 ? 1 : .nan }
    if x == 0 { return 0 }
    if a.isInfinite { return x.isInfinite ? .nan : 0 }
    if x.isInfinite { return 1 }
    return usesSeries(a, x) ? lowerSeries(a, x) : 1 - upperFraction(a, x)
  }

  /// The regularised upper incomplete gamma function of shape a at x.
  static func upperGamma(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || a.isNaN || x < 0 || a < 0 { return .nan }
    if a == 0 { return x > 0 ? 0 : .nan }
    if x == 0 { return 1 }
    if a.isInfinite { return x.isInfinite ? .nan : 1 }
    if x.isInfinite { return 0 }
    if x < 1.1, x < a + 1 { return a > x ? 1 - lowerSeries(a, x) : upperSeries(a, x) }
    return usesSeries(a, x) ? 1 - lowerSeries(a, x) : upperFraction(a, x)
  }

  private static func usesSeries(_ a: Double, _ x: Double) -> Bool { x < a + 1 }

  /// `x^a e^-x / gamma(a)`; near the maximum of large a by Stirling's series, which does not cancel.
  private static func density(_ a: Double, _ x: Double) -> Double {
    if a < 20 { return exp(a * log(x) - x - logarithmOfGamma(a)) }
    let mu = (x - a) / a
    let exponent = abs(mu) < 0.4 ? logarithmLessLinear(mu) : log(x / a) - mu
    let square = a * a
    let stirling = (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / a
    return (a / (2 * .pi)).squareRoot() * exp(a * exponent - stirling)
  }

  /// log(1 + x) - x, without cancellation.
  private static func logarithmLessLinear(_ x: Double) -> Double {
    var (power, total) = (-x * x, 0.0)
    for k in 2...400 {
      let term = power / Double(k)
      total += term
      if abs(term) <= 1e-17 * abs(total) { break }
      power *= -x
    }
    return total
  }

  /// The power series (Abramowitz and Stegun, 6.5.29).
  private static func lowerSeries(_ a: Double, _ x: Double) -> Double {
    var (term, total, shape) = (1.0, 1.0, a)
    for _ in 0..<100_000 {
      shape += 1
      term *= x / shape
      total += term
      if term <= 1e-17 * total { break }
    }
    return total * density(a, x) / a
  }

  /// 1 - x^a / gamma(a + 1) * (1 + a * sum (-x)^k / (k! (a + k))), for small x.
  private static func upperSeries(_ a: Double, _ x: Double) -> Double {
    var (power, sum) = (1.0, 0.0)
    for k in 1..<2000 {
      power *= -x / Double(k)
      let term = power / (a + Double(k))
      sum += term
      if abs(term) <= 1e-17 * abs(sum) { break }
    }
    let exponent = a * log(x) - logarithmOfGamma(1 + a)
    return -expm1(exponent) - exp(exponent) * a * sum
  }

  /// The continued fraction (Abramowitz and Stegun, 6.5.31) by Lentz's method.
  private static func upperFraction(_ a: Double, _ x: Double) -> Double {
    let tiny = 1e-300
    var b = x + 1 - a
    var c = 1 / tiny
    var d = 1 / (abs(b) < tiny ? tiny : b)
    var fraction = d
    for k in 1..<100_000 {
      let step = -Double(k) * (Double(k) - a)
      b += 2
      d = step * d + b
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = b + step / c
      c = abs(c) < tiny ? tiny : c
      fraction *= d * c
      if abs(d * c - 1) <= 1e-16 { break }
    }
    return density(a, x) * fraction
  }
}
