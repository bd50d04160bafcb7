import GraftIR

/// Block functions of complex numbers, which are computed in double precision.
enum ComplexBlocks {
  private typealias Double2 = ComplexNumber<Double>

  @inline(__always)
  private static func map<Part: RealPart>(
    _ type: Part.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ count: Int,
    _ function: (Double2) -> Double2
  ) {
    SwiftBlocks.unary(target, a, count) { (x: ComplexNumber<Part>) in ComplexNumber<Part>(function(Double2(x))) }
  }

  @inline(__always)
  private static func part<Part: RealPart>(
    _ type: Part.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ count: Int,
    _ function: (Double2) -> Double
  ) {
    SwiftBlocks.unary(target, a, count) { (x: ComplexNumber<Part>) in Part(function(Double2(x))) }
  }

  @inline(__always)
  private static func test<Part: RealPart>(
    _ type: Part.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ count: Int,
    _ function: (ComplexNumber<Part>) -> Bool
  ) {
    SwiftBlocks.unary(target, a, count) { (x: ComplexNumber<Part>) in function(x) ? UInt8(1) : 0 }
  }

  @inline(__always)
  private static func combine<Part: RealPart>(
    _ type: Part.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer?, _ count: Int,
    _ function: (Double2, Double2) -> Double2
  ) {
    SwiftBlocks.binary(target, a, b, count) { (x: ComplexNumber<Part>, y: ComplexNumber<Part>) in
      ComplexNumber<Part>(function(Double2(x), Double2(y)))
    }
  }

  @inline(__always)
  private static func compare<Part: RealPart>(
    _ type: Part.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer?, _ count: Int,
    _ function: (ComplexNumber<Part>, ComplexNumber<Part>) -> Bool
  ) {
    SwiftBlocks.binary(target, a, b, count) { (x: ComplexNumber<Part>, y: ComplexNumber<Part>) in
      function(x, y) ? UInt8(1) : 0
    }
  }

  /// Of complex64.
  static let single: [BlockOperator: BlockFunction] = [
    .negative: { a, b, _, _, n in map(Float.self, a, b, n) { -$0 } },
    .square: { a, b, _, _, n in map(Float.self, a, b, n) { $0 * $0 } },
    .reciprocal: { a, b, _, _, n in map(Float.self, a, b, n) { .one / $0 } },
    .sqrt: { a, b, _, _, n in map(Float.self, a, b, n) { $0.squareRoot } },
    .rsqrt: { a, b, _, _, n in map(Float.self, a, b, n) { .one / $0.squareRoot } },
    .exp: { a, b, _, _, n in map(Float.self, a, b, n) { $0.exponential } },
    .log: { a, b, _, _, n in map(Float.self, a, b, n) { $0.logarithm } },
    .sin: { a, b, _, _, n in map(Float.self, a, b, n) { $0.sine } },
    .cos: { a, b, _, _, n in map(Float.self, a, b, n) { $0.cosine } },
    .tan: { a, b, _, _, n in map(Float.self, a, b, n) { $0.tangent } },
    .sinh: { a, b, _, _, n in map(Float.self, a, b, n) { $0.hyperbolicSine } },
    .cosh: { a, b, _, _, n in map(Float.self, a, b, n) { $0.hyperbolicCosine } },
    .tanh: { a, b, _, _, n in map(Float.self, a, b, n) { $0.hyperbolicTangent } },
    .sigmoid: { a, b, _, _, n in map(Float.self, a, b, n) { .one / (.one + (-$0).exponential) } },
    .sign: { a, b, _, _, n in map(Float.self, a, b, n) { $0.sign } },
    .conjugate: { a, b, _, _, n in map(Float.self, a, b, n) { $0.conjugate } },
    .abs: { a, b, _, _, n in part(Float.self, a, b, n) { $0.magnitude } },
    .real: { a, b, _, _, n in part(Float.self, a, b, n) { $0.real } },
    .imaginary: { a, b, _, _, n in part(Float.self, a, b, n) { $0.imaginary } },
    .isNaN: { a, b, _, _, n in test(Float.self, a, b, n) { $0.isNaN } },
    .isInfinite: { a, b, _, _, n in test(Float.self, a, b, n) { $0.real.isInfinite || $0.imaginary.isInfinite } },
    .isFinite: { a, b, _, _, n in test(Float.self, a, b, n) { $0.real.isFinite && $0.imaginary.isFinite } },
    .add: { a, b, c, _, n in combine(Float.self, a, b, c, n) { $0 + $1 } },
    .subtract: { a, b, c, _, n in combine(Float.self, a, b, c, n) { $0 - $1 } },
    .multiply: { a, b, c, _, n in combine(Float.self, a, b, c, n) { $0 * $1 } },
    .divide: { a, b, c, _, n in combine(Float.self, a, b, c, n) { $0 / $1 } },
    .power: { a, b, c, _, n in combine(Float.self, a, b, c, n) { $0.power($1) } },
    .equal: { a, b, c, _, n in compare(Float.self, a, b, c, n) { $0 == $1 } },
    .notEqual: { a, b, c, _, n in compare(Float.self, a, b, c, n) { $0 != $1 } },
    .where_: { a, b, c, d, n in SwiftBlocks.choose(a, b, c, d, n, ComplexNumber<Float>.self) },
  ]

  /// Of complex128.
  static let double: [BlockOperator: BlockFunction] = [
    .negative: { a, b, _, _, n in map(Double.self, a, b, n) { -$0 } },
    .square: { a, b, _, _, n in map(Double.self, a, b, n) { $0 * $0 } },
    .reciprocal: { a, b, _, _, n in map(Double.self, a, b, n) { .one / $0 } },
    .sqrt: { a, b, _, _, n in map(Double.self, a, b, n) { $0.squareRoot } },
    .rsqrt: { a, b, _, _, n in map(Double.self, a, b, n) { .one / $0.squareRoot } },
    .exp: { a, b, _, _, n in map(Double.self, a, b, n) { $0.exponential } },
    .log: { a, b, _, _, n in map(Double.self, a, b, n) { $0.logarithm } },
    .sin: { a, b, _, _, n in map(Double.self, a, b, n) { $0.sine } },
    .cos: { a, b, _, _, n in map(Double.self, a, b, n) { $0.cosine } },
    .tan: { a, b, _, _, n in map(Double.self, a, b, n) { $0.tangent } },
    .sinh: { a, b, _, _, n in map(Double.self, a, b, n) { $0.hyperbolicSine } },
    .cosh: { a, b, _, _, n in map(Double.self, a, b, n) { $0.hyperbolicCosine } },
    .tanh: { a, b, _, _, n in map(Double.self, a, b, n) { $0.hyperbolicTangent } },
    .sigmoid: { a, b, _, _, n in map(Double.self, a, b, n) { .one / (.one + (-$0).exponential) } },
    .sign: { a, b, _, _, n in map(Double.self, a, b, n) { $0.sign } },
    .conjugate: { a, b, _, _, n in map(Double.self, a, b, n) { $0.conjugate } },
    .abs: { a, b, _, _, n in part(Double.self, a, b, n) { $0.magnitude } },
    .real: { a, b, _, _, n in part(Double.self, a, b, n) { $0.real } },
    .imaginary: { a, b, _, _, n in part(Double.self, a, b, n) { $0.imaginary } },
    .isNaN: { a, b, _, _, n in test(Double.self, a, b, n) { $0.isNaN } },
    .isInfinite: { a, b, _, _, n in test(Double.self, a, b, n) { $0.real.isInfinite || $0.imaginary.isInfinite } },
    .isFinite: { a, b, _, _, n in test(Double.self, a, b, n) { $0.real.isFinite && $0.imaginary.isFinite } },
    .add: { a, b, c, _, n in combine(Double.self, a, b, c, n) { $0 + $1 } },
    .subtract: { a, b, c, _, n in combine(Double.self, a, b, c, n) { $0 - $1 } },
    .multiply: { a, b, c, _, n in combine(Double.self, a, b, c, n) { $0 * $1 } },
    .divide: { a, b, c, _, n in combine(Double.self, a, b, c, n) { $0 / $1 } },
    .power: { a, b, c, _, n in combine(Double.self, a, b, c, n) { $0.power($1) } },
    .equal: { a, b, c, _, n in compare(Double.self, a, b, c, n) { $0 == $1 } },
    .notEqual: { a, b, c, _, n in compare(Double.self, a, b, c, n) { $0 != $1 } },
    .where_: { a, b, c, d, n in SwiftBlocks.choose(a, b, c, d, n, ComplexNumber<Double>.self) },
  ]

  /// The conversion between a complex type and itself, the other one, or that of its parts; nil for others.
  static func cast(_ from: DType, _ to: DType) -> BlockFunction? {
    switch (from, to) {
    case (.complex64, .complex64): { a, b, _, _, n in a.copyMemory(from: b, byteCount: 8 * n) }
    case (.complex128, .complex128): { a, b, _, _, n in a.copyMemory(from: b, byteCount: 16 * n) }
    case (.complex64, .complex128):
      { a, b, _, _, n in SwiftBlocks.unary(a, b, n) { (x: ComplexNumber<Float>) in ComplexNumber<Double>(x) } }
    case (.complex128, .complex64):
      { a, b, _, _, n in SwiftBlocks.unary(a, b, n) { (x: ComplexNumber<Double>) in ComplexNumber<Float>(x) } }
    case (.float32, .complex64):
      { a, b, _, _, n in SwiftBlocks.unary(a, b, n) { (x: Float) in ComplexNumber<Float>(x, 0) } }
    case (.float64, .complex128):
      { a, b, _, _, n in SwiftBlocks.unary(a, b, n) { (x: Double) in ComplexNumber<Double>(x, 0) } }
    case (.complex64, .float32): { a, b, _, _, n in ComplexBlocks.part(Float.self, a, b, n) { $0.real } }
    case (.complex128, .float64): { a, b, _, _, n in ComplexBlocks.part(Double.self, a, b, n) { $0.real } }
    case (.complex64, .bool): { a, b, _, _, n in ComplexBlocks.test(Float.self, a, b, n) { $0 != .zero } }
    case (.complex128, .bool): { a, b, _, _, n in ComplexBlocks.test(Double.self, a, b, n) { $0 != .zero } }
    default: nil
    }
  }
}
