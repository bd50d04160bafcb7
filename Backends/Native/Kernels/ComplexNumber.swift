import Foundation

/// What a complex number is made of.
typealias RealPart = BinaryFloatingPoint & BitwiseCopyable & Sendable

/// A complex number as it lies in memory. Functions are computed in double precision.
struct ComplexNumber<Part: RealPart>: BitwiseCopyable, Sendable, Hashable {
  var real: Part
  var imaginary: Part

  @inline(__always)
  init(_ real: Part, _ imaginary: Part) {
    self.real = real
    self.imaginary = imaginary
  }

  @inline(__always)
  init<Other>(_ other: ComplexNumber<Other>) {
    self.init(Part(other.real), Part(other.imaginary))
  }
}

extension ComplexNumber: NativeNumber {
  package static var zero: Self { Self(0, 0) }
  package static var one: Self { Self(1, 0) }
  package func adding(_ other: Self) -> Self { Self(real + other.real, imaginary + other.imaginary) }
  package func multiplied(by other: Self) -> Self {
    Self(
      real * other.real - imaginary * other.imaginary, real * other.imaginary + imaginary * other.real)
  }
  /// By the real parts, then by the imaginary ones, as NumPy has it.
  package static func < (a: Self, b: Self) -> Bool {
    a.real < b.real || (a.real == b.real && a.imaginary < b.imaginary)
  }
  package func follows(_ other: Self) -> Bool { other < self || (isNaN && !other.isNaN) }
  var isNaN: Bool { real.isNaN || imaginary.isNaN }
}

extension ComplexNumber where Part == Double {
  static func + (a: Self, b: Self) -> Self { a.adding(b) }
  static func - (a: Self, b: Self) -> Self { Self(a.real - b.real, a.imaginary - b.imaginary) }
  static func * (a: Self, b: Self) -> Self { a.multiplied(by: b) }
  static func * (a: Self, b: Double) -> Self { Self(a.real * b, a.imaginary * b) }
  static prefix func - (a: Self) -> Self { Self(-a.real, -a.imaginary) }

  /// Without overflow of the divisor's square (Smith, 1962).
  static func / (a: Self, b: Self) -> Self {
    if abs(b.real) >= abs(b.imaginary) {
      if b == .zero { return Self(a.real / b.real, a.imaginary / b.real) }
      let ratio = b.imaginary / b.real
      let divisor = b.real + b.imaginary * ratio
      return Self((a.real + a.imaginary * ratio) / divisor, (a.imaginary - a.real * ratio) / divisor)
    }
    let ratio = b.real / b.imaginary
    let divisor = b.real * ratio + b.imaginary
    return Self((a.real * ratio + a.imaginary) / divisor, (a.imaginary * ratio - a.real) / divisor)
  }

  var conjugate: Self { Self(real, -imaginary) }
  var magnitude: Double { hypot(real, imaginary) }
  var exponential: Self {
    let scale = exp(real)
    if imaginary == 0 { return Self(scale, imaginary) }
    return Self(scale * cos(imaginary), scale * sin(imaginary))
  }
  var logarithm: Self { Self(log(magnitude), atan2(imaginary, real)) }

  var squareRoot: Self {
    if self == .zero { return Self(0, imaginary) }
    let half = ((abs(real) + magnitude) / 2).squareRoot()
    let other = abs(imaginary) / (2 * half)
    return real >= 0
      ? Self(half, imaginary / (2 * half)) : Self(other, imaginary.sign == .minus ? -half : half)
  }

  var sine: Self { Self(sin(real) * cosh(imaginary), cos(real) * sinh(imaginary)) }
  var cosine: Self { Self(cos(real) * cosh(imaginary), -sin(real) * sinh(imaginary)) }
  var hyperbolicSine: Self { Self(sinh(real) * cos(imaginary), cosh(real) * sin(imaginary)) }
  var hyperbolicCosine: Self { Self(cosh(real) * cos(imaginary), sinh(real) * sin(imaginary)) }
  var hyperbolicTangent: Self {
    if abs(real) > 20 { return Self(real < 0 ? -1 : 1, 4 * sin(imaginary) * cos(imaginary) * exp(-2 * abs(real))) }
    return hyperbolicSine / hyperbolicCosine
  }
  var tangent: Self {
    let turned = Self(-imaginary, real).hyperbolicTangent
    return Self(turned.imaginary, -turned.real)
  }
  var sign: Self { self == .zero ? .zero : self * (1 / magnitude) }

  func power(_ exponent: Self) -> Self {
    if exponent == .zero { return .one }
    if self == .zero { return exponent.real > 0 ? .zero : Self(.nan, .nan) }
    if exponent == Self(2, 0) { return self * self }
    return (exponent * logarithm).exponential
  }
}
