import GraftIR

/// Block functions of special functions, which are computed in double precision, and of neighbouring numbers.
enum SpecialBlocks {
  @inline(__always)
  private static func map<Element: BinaryFloatingPoint & BitwiseCopyable>(
    _ type: Element.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ count: Int,
    _ function: (Double) -> Double
  ) {
    SwiftBlocks.unary(target, a, count) { (x: Element) in Element(function(Double(x))) }
  }

  @inline(__always)
  private static func combine<Element: BinaryFloatingPoint & BitwiseCopyable>(
    _ type: Element.Type, _ target: UnsafeMutableRawPointer, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer?,
    _ count: Int, _ function: (Double, Double) -> Double
  ) {
    SwiftBlocks.binary(target, a, b, count) { (x: Element, y: Element) in Element(function(Double(x), Double(y))) }
  }

  @inline(__always)
  private static func neighbour<Element: BinaryFloatingPoint>(_ x: Element, _ y: Element) -> Element {
    if x.isNaN || y.isNaN { return .nan }
    return x == y ? y : x < y ? x.nextUp : x.nextDown
  }

  /// Of float32.
  static let single: [BlockOperator: BlockFunction] = [
    .erfinv: { a, b, _, _, n in map(Float.self, a, b, n, SpecialFunctions.inverseErrorFunction) },
    .lgamma: { a, b, _, _, n in map(Float.self, a, b, n, SpecialFunctions.logarithmOfGamma) },
    .digamma: { a, b, _, _, n in map(Float.self, a, b, n, SpecialFunctions.digamma) },
    .besselI0e: { a, b, _, _, n in map(Float.self, a, b, n, SpecialFunctions.scaledBesselI0) },
    .besselI1e: { a, b, _, _, n in map(Float.self, a, b, n, SpecialFunctions.scaledBesselI1) },
    .polygamma: { a, b, c, _, n in combine(Float.self, a, b, c, n) { SpecialFunctions.polygamma($1, $0) } },
    .gammainc: { a, b, c, _, n in combine(Float.self, a, b, c, n, SpecialFunctions.lowerGamma) },
    .gammaincc: { a, b, c, _, n in combine(Float.self, a, b, c, n, SpecialFunctions.upperGamma) },
    .zeta: { a, b, c, _, n in combine(Float.self, a, b, c, n, SpecialFunctions.zeta) },
    .nextafter: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Float, y: Float) in neighbour(x, y) } },
    .complex: { a, b, c, _, n in
      SwiftBlocks.binary(a, b, c, n) { (x: Float, y: Float) in ComplexNumber<Float>(x, y) }
    },
  ]

  /// Of float64.
  static let double: [BlockOperator: BlockFunction] = [
    .erfinv: { a, b, _, _, n in map(Double.self, a, b, n, SpecialFunctions.inverseErrorFunction) },
    .lgamma: { a, b, _, _, n in map(Double.self, a, b, n, SpecialFunctions.logarithmOfGamma) },
    .digamma: { a, b, _, _, n in map(Double.self, a, b, n, SpecialFunctions.digamma) },
    .besselI0e: { a, b, _, _, n in map(Double.self, a, b, n, SpecialFunctions.scaledBesselI0) },
    .besselI1e: { a, b, _, _, n in map(Double.self, a, b, n, SpecialFunctions.scaledBesselI1) },
    .polygamma: { a, b, c, _, n in combine(Double.self, a, b, c, n) { SpecialFunctions.polygamma($1, $0) } },
    .gammainc: { a, b, c, _, n in combine(Double.self, a, b, c, n, SpecialFunctions.lowerGamma) },
    .gammaincc: { a, b, c, _, n in combine(Double.self, a, b, c, n, SpecialFunctions.upperGamma) },
    .zeta: { a, b, c, _, n in combine(Double.self, a, b, c, n, SpecialFunctions.zeta) },
    .nextafter: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Double, y: Double) in neighbour(x, y) } },
    .complex: { a, b, c, _, n in
      SwiftBlocks.binary(a, b, c, n) { (x: Double, y: Double) in ComplexNumber<Double>(x, y) }
    },
  ]
}

/// Block functions of the divisors of integers.
enum DivisorBlocks {
  static func function(_ name: BlockOperator, _ type: DType) -> BlockFunction? {
    switch name {
    case .gcd: greatest[type]
    case .lcm: least[type]
    default: nil
    }
  }

  /// Euclid's algorithm, on magnitudes; what does not fit wraps.
  @inline(__always)
  private static func gcd<Element: FixedWidthInteger>(_ x: Element, _ y: Element) -> Element {
    var (a, b) = (x.magnitude, y.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    return Element(truncatingIfNeeded: a)
  }

  @inline(__always)
  private static func lcm<Element: FixedWidthInteger>(_ x: Element, _ y: Element) -> Element {
    let divisor = gcd(x, y).magnitude
    return divisor == 0 ? 0 : Element(truncatingIfNeeded: (x.magnitude / divisor) &* y.magnitude)
  }

  private static let greatest: [DType: BlockFunction] = [
    .uint8: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt8, y: UInt8) in gcd(x, y) } },
    .uint16: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt16, y: UInt16) in gcd(x, y) } },
    .uint32: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt32, y: UInt32) in gcd(x, y) } },
    .uint64: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt64, y: UInt64) in gcd(x, y) } },
    .int8: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int8, y: Int8) in gcd(x, y) } },
    .int16: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int16, y: Int16) in gcd(x, y) } },
    .int32: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int32, y: Int32) in gcd(x, y) } },
    .int64: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int64, y: Int64) in gcd(x, y) } },
  ]

  private static let least: [DType: BlockFunction] = [
    .uint8: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt8, y: UInt8) in lcm(x, y) } },
    .uint16: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt16, y: UInt16) in lcm(x, y) } },
    .uint32: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt32, y: UInt32) in lcm(x, y) } },
    .uint64: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: UInt64, y: UInt64) in lcm(x, y) } },
    .int8: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int8, y: Int8) in lcm(x, y) } },
    .int16: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int16, y: Int16) in lcm(x, y) } },
    .int32: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int32, y: Int32) in lcm(x, y) } },
    .int64: { a, b, c, _, n in SwiftBlocks.binary(a, b, c, n) { (x: Int64, y: Int64) in lcm(x, y) } },
  ]
}
