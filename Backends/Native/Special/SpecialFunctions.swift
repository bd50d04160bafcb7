import Foundation
import GraftFiles

/// Special functions of real numbers, in double precision. The numbers that they have at the ends of their domains are
/// PyTorch's.
enum SpecialFunctions {
  /// The inverse of the error function: the normal quantile of (x + 1) / 2, scaled.
  static func inverseErrorFunction(_ x: Double) -> Double {
    if abs(x) == 1 { return x * .infinity }
    return abs(x) < 1 ? normalQuantile(x / 2) * 0.5.squareRoot() : .nan
  }

  /// exp(-|x|) times the modified Bessel function of order 0.
  static func scaledBesselI0(_ x: Double) -> Double { scaledBessel(abs(x), order: 0) }

  /// exp(-|x|) times the modified Bessel function of order 1.
  static func scaledBesselI1(_ x: Double) -> Double { x < 0 ? -scaledBessel(-x, order: 1) : scaledBessel(x, order: 1) }

  /// By the power series, whose terms are all positive, and by Hankel's expansion for large x (Abramowitz and Stegun,
  /// 9.6.10 and 9.7.1).
  private static func scaledBessel(_ x: Double, order: Int) -> Double {
    if x.isNaN { return .nan }
    if x == .infinity { return 0 }
    if x > 30 {
      let mu = Double(4 * order * order)
      var (term, total) = (1.0, 1.0)
      for k in 1...30 {
        let odd = Double(2 * k - 1)
        let next = -term * (mu - odd * odd) / (8 * Double(k) * x)
        if abs(next) >= abs(term) { break }
        term = next
        total += term
        if abs(term) < 1e-17 * abs(total) { break }
      }
      return total / (2 * .pi * x).squareRoot()
    }
    let quarter = x * x / 4
    var term = order == 0 ? 1 : x / 2
    var total = term
    for k in 1...200 {
      term *= quarter / (Double(k) * Double(k + order))
      total += term
      if term < 1e-17 * total { break }
    }
    return total * exp(-x)
  }
}
