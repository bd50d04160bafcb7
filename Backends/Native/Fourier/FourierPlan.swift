import Foundation

/// The discrete Fourier transform of one length, in double precision.
///
/// Lengths of small prime factors are transformed by Stockham's algorithm with mixed radices; others as a convolution
/// of a power of two (Bluestein: "A linear filtering approach to the computation of discrete Fourier transform", 1970).
final class FourierPlan: Sendable {
  typealias Number = ComplexNumber<Double>

  let count: Int
  private let factors: [Int]
  /// The powers of the first root of unity of `count`.
  private let roots: [Number]
  private let convolution: Convolution?

  /// What Bluestein's algorithm needs.
  private struct Convolution: Sendable {
    let inner: FourierPlan
    let chirp: [Number]
    /// The transform of the conjugate chirp, divided by the inner length.
    let filter: [Number]
  }

  private static let largestRadix = 31

  /// - Parameter count: at least 1.
  init(_ count: Int, isInverse: Bool) {
    self.count = count
    let factors = Self.factors(count)
    let isSmooth = factors.allSatisfy { $0 <= Self.largestRadix }
    self.factors = isSmooth ? factors : []
    roots = isSmooth ? (0..<count).map { Self.root($0, of: count, isInverse: isInverse) } : []
    convolution = isSmooth ? nil : Self.convolution(count, isInverse: isInverse)
  }

  /// Numbers of scratch memory that ``transform(_:scratch:)`` needs.
  var scratchCount: Int { convolution.map { 2 * $0.inner.count } ?? count }

  /// Four as often as it goes, then the prime factors.
  private static func factors(_ count: Int) -> [Int] {
    var (rest, factors) = (count, [Int]())
    while rest % 4 == 0 {
      factors.append(4)
      rest /= 4
    }
    var prime = 2
    while prime * prime <= rest {
      while rest % prime == 0 {
        factors.append(prime)
        rest /= prime
      }
      prime += 1
    }
    return rest > 1 ? factors + [rest] : factors
  }

  /// exp(-2 pi i k / n), or its conjugate, from an angle of at most an eighth of a turn.
  private static func root(_ k: Int, of n: Int, isInverse: Bool) -> Number {
    let (octant, rest) = (8 * (k % n)).quotientAndRemainder(dividingBy: n)
    let angle = Double.pi / 4 * Double(octant % 2 == 0 ? rest : n - rest) / Double(n)
    let (c, s) = (cos(angle), sin(angle))
    let (x, y): (Double, Double) =
      switch octant {
      case 0: (c, s)
      case 1: (s, c)
      case 2: (-s, c)
      case 3: (-c, s)
      case 4: (-c, -s)
      case 5: (-s, -c)
      case 6: (s, -c)
      default: (c, -s)
      }
    return Number(x, isInverse ? y : -y)
  }

  private static func convolution(_ count: Int, isInverse: Bool) -> Convolution {
    var length = 1
    while length < 2 * count - 1 { length *= 2 }
    let inner = FourierPlan(length, isInverse: false)
    // The square of k, modulo 2 n, without overflow.
    var (square, chirp) = (0, [Number]())
    for k in 0..<count {
      chirp.append(root(square, of: 2 * count, isInverse: isInverse))
      square = (square + 2 * k + 1) % (2 * count)
    }
    var filter = Array(repeating: Number.zero, count: length)
    for k in 0..<count {
      filter[k] = chirp[k].conjugate * (1 / Double(length))
      filter[(length - k) % length] = filter[k]
    }
    var scratch = Array(repeating: Number.zero, count: inner.scratchCount)
    filter.withUnsafeMutableBufferPointer { filter in
      scratch.withUnsafeMutableBufferPointer { scratch in
        guard let filter = filter.baseAddress, let scratch = scratch.baseAddress else { return }
        inner.transform(filter, scratch: scratch)
      }
    }
    return Convolution(inner: inner, chirp: chirp, filter: filter)
  }

  /// Transforms `count` numbers in place, without dividing by their number.
  func transform(_ line: UnsafeMutablePointer<Number>, scratch: UnsafeMutablePointer<Number>) {
    if let convolution { return convolve(line, convolution, scratch) }
    var (from, to) = (line, scratch)
    var (length, stride) = (count, 1)
    for radix in factors {
      switch radix {
      case 2: pass2(from, to, length, stride)
      case 4: pass4(from, to, length, stride)
      default: pass(radix, from, to, length, stride)
      }
      swap(&from, &to)
      length /= radix
      stride *= radix
    }
    if from != line { line.update(from: from, count: count) }
  }

  private func pass2(_ x: UnsafePointer<Number>, _ y: UnsafeMutablePointer<Number>, _ length: Int, _ stride: Int) {
    let parts = length / 2
    for p in 0..<parts {
      let root = roots[p * stride]
      for q in 0..<stride {
        let (a, b) = (x[q + stride * p], x[q + stride * (p + parts)])
        y[q + stride * 2 * p] = a + b
        y[q + stride * (2 * p + 1)] = (a - b) * root
      }
    }
  }

  private func pass4(_ x: UnsafePointer<Number>, _ y: UnsafeMutablePointer<Number>, _ length: Int, _ stride: Int) {
    let parts = length / 4
    let turn = roots[count / 4]
    for p in 0..<parts {
      let (r1, r2, r3) = (roots[p * stride], roots[2 * p * stride], roots[3 * p * stride])
      for q in 0..<stride {
        let a = x[q + stride * p], b = x[q + stride * (p + parts)]
        let c = x[q + stride * (p + 2 * parts)], d = x[q + stride * (p + 3 * parts)]
        let (even, odd, difference) = (a + c, b + d, a - c)
        let turned = Number(turn.imaginary * (d.imaginary - b.imaginary), turn.imaginary * (b.real - d.real))
        let result = y + q + stride * 4 * p
        result[0] = even + odd
        result[stride] = (difference + turned) * r1
        result[2 * stride] = (even - odd) * r2
        result[3 * stride] = (difference - turned) * r3
      }
    }
  }

  private func pass(
    _ radix: Int, _ x: UnsafePointer<Number>, _ y: UnsafeMutablePointer<Number>, _ length: Int, _ stride: Int
  ) {
    let (parts, step) = (length / radix, count / radix)
    for p in 0..<parts {
      for q in 0..<stride {
        for j in 0..<radix {
          var sum = x[q + stride * p]
          for k in 1..<radix { sum = sum + x[q + stride * (p + k * parts)] * roots[(j * k) % radix * step] }
          y[q + stride * (radix * p + j)] = sum * roots[p * j * stride]
        }
      }
    }
  }

  private func convolve(
    _ line: UnsafeMutablePointer<Number>, _ convolution: Convolution, _ scratch: UnsafeMutablePointer<Number>
  ) {
    let length = convolution.inner.count
    for k in 0..<length { scratch[k] = k < count ? line[k] * convolution.chirp[k] : .zero }
    convolution.inner.transform(scratch, scratch: scratch + length)
    // The way back is the conjugate of the transform of the conjugate.
    for k in 0..<length { scratch[k] = (scratch[k] * convolution.filter[k]).conjugate }
    convolution.inner.transform(scratch, scratch: scratch + length)
    for k in 0..<count { line[k] = scratch[k].conjugate * convolution.chirp[k] }
  }
}
