import NativeKernels
import Testing

/// Casts between all types, and moves.
@Suite struct VectorCastTests {
  static func cast<From: BitwiseCopyable, To: BitwiseCopyable>(
    _ path: VectorPath, _ from: GraftType, _ to: GraftType, _ x: [From], zero: To
  ) -> [To] {
    var y = [To](repeating: zero, count: x.count)
    graft_cast(path.kernels, from, to)(&y, x, nil, nil, x.count)
    return y
  }

  static func saturated<From: BinaryFloatingPoint, To: FixedWidthInteger>(_ x: From, _: To.Type) -> To {
    if x.isNaN { return 0 }
    return To(exactly: x.rounded(.towardZero)) ?? (x < 0 ? .min : .max)
  }

  static func fromFloat<From: BinaryFloatingPoint & BitwiseCopyable>(_ path: VectorPath, _ from: GraftType, _ x: [From])
  {
    func check<To: FixedWidthInteger & BitwiseCopyable>(_ to: GraftType, _: To.Type) {
      #expect(cast(path, from, to, x, zero: To(9)) == x.map { saturated($0, To.self) })
    }
    check(GRAFT_TYPE_U8, UInt8.self)
    check(GRAFT_TYPE_I8, Int8.self)
    check(GRAFT_TYPE_I16, Int16.self)
    check(GRAFT_TYPE_I32, Int32.self)
    check(GRAFT_TYPE_I64, Int64.self)
    check(GRAFT_TYPE_U16, UInt16.self)
    check(GRAFT_TYPE_U32, UInt32.self)
    check(GRAFT_TYPE_U64, UInt64.self)
    #expect(cast(path, from, GRAFT_TYPE_BOOL, x, zero: UInt8(9)) == x.map { $0 != 0 ? 1 : 0 })
    let floats = cast(path, from, GRAFT_TYPE_F32, x, zero: Float(9))
    #expect(zip(floats, x).allSatisfy { $0 == Float($1) || ($0.isNaN && $1.isNaN) })
    let doubles = cast(path, from, GRAFT_TYPE_F64, x, zero: Double(9))
    #expect(zip(doubles, x).allSatisfy { $0 == Double($1) || ($0.isNaN && $1.isNaN) })
    for (half, type) in [(roundedToHalf, GRAFT_TYPE_F16), (roundedToBFloat, GRAFT_TYPE_BF16)] {
      let halves = cast(path, from, type, x, zero: UInt16(9))
      for (x, bits) in zip(x, halves) {
        let expected = half(Float(x))
        let same = expected.map { $0 == bits } ?? isNaN(bits, type)
        #expect(same, "\(x) becomes \(String(bits, radix: 16))")
      }
    }
  }

  static func isNaN(_ bits: UInt16, _ type: GraftType) -> Bool {
    bits & 0x7fff > (type == GRAFT_TYPE_F16 ? 0x7c00 : 0x7f80)
  }

  /// The value of a half in float32.
  static func value(ofHalf bits: UInt16) -> Float {
    let exponent = Int(bits >> 10 & 31), fraction = Float(bits & 0x3ff)
    let magnitude: Float =
      exponent == 0
      ? fraction * 0x1p-24
      : exponent == 31
        ? (fraction == 0 ? .infinity : .nan)
        : Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
    return bits >> 15 == 0 ? magnitude : -magnitude
  }

  /// The finite halves in rising order, without negative ones.
  static let halves: [Float] = (0 as UInt16..<0x7c00).map(value(ofHalf:))

  /// The bits of the half nearest to `x`, of two the even one; nil for NaN.
  static func roundedToHalf(_ x: Float) -> UInt16? {
    if x.isNaN { return nil }
    let sign: UInt16 = x.sign == .minus ? 0x8000 : 0, magnitude = abs(x)
    if magnitude >= 65520 { return sign | 0x7c00 }
    var low = 0, high = halves.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if halves[middle] <= magnitude { low = middle } else { high = middle - 1 }
    }
    if low == halves.count - 1 { return sign | UInt16(low) }
    let below = Double(magnitude) - Double(halves[low]), above = Double(halves[low + 1]) - Double(magnitude)
    return sign | UInt16(below < above || (below == above && low % 2 == 0) ? low : low + 1)
  }

  static func roundedToBFloat(_ x: Float) -> UInt16? {
    if x.isNaN { return nil }
    let bits = UInt64(x.bitPattern), up = bits & 0xffff > 0x8000 || (bits & 0xffff == 0x8000 && bits >> 16 & 1 == 1)
    return UInt16((bits >> 16) + (up ? 1 : 0))
  }

  @Test(arguments: VectorPath.allCases) func fromFloats(path: VectorPath) throws {
    try path.require()
    var generator = SeededBits(seed: 17)
    let borders: [Float] = [
      0.4, 0.6, 127, 128, 129, 255, 255.9, 256, 32767, 32768, 65503.9, 65504, 65519, 65520, 65536, 2_147_483_520,
      2_147_483_648, 9.2233715e18, 9.2233720368547758e18, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.ffcp-15, 0x1.002p0,
      0x1.006p0,
    ]
    let floats =
      specials(Float.self) + borders + borders.map { -$0 }
      + (0..<500).map { _ in Float.random(in: -300...300, using: &generator) }
      + (0..<500).map { _ in Float(bitPattern: UInt32.random(in: 0 ... .max, using: &generator)) }
    Self.fromFloat(path, GRAFT_TYPE_F32, floats)
    Self.fromFloat(
      path, GRAFT_TYPE_F64, specials(Double.self) + floats.map(Double.init) + [2147483647.5, -2147483648.5])
  }

  static func fromInteger<From: FixedWidthInteger & BitwiseCopyable>(
    _ path: VectorPath, _ from: GraftType, _: From.Type
  ) {
    var generator = SeededBits(seed: 19)
    let x = [0, 1, .max, .min, .max - 1] + (0..<300).map { _ in From.random(in: .min ... .max, using: &generator) }
    func check<To: FixedWidthInteger & BitwiseCopyable>(_ to: GraftType, _: To.Type) {
      #expect(cast(path, from, to, x, zero: To(9)) == x.map { To(truncatingIfNeeded: $0) })
    }
    check(GRAFT_TYPE_U8, UInt8.self)
    check(GRAFT_TYPE_I8, Int8.self)
    check(GRAFT_TYPE_I16, Int16.self)
    check(GRAFT_TYPE_I32, Int32.self)
    check(GRAFT_TYPE_I64, Int64.self)
    check(GRAFT_TYPE_U16, UInt16.self)
    check(GRAFT_TYPE_U32, UInt32.self)
    check(GRAFT_TYPE_U64, UInt64.self)
    #expect(cast(path, from, GRAFT_TYPE_BOOL, x, zero: UInt8(9)) == x.map { $0 != 0 ? 1 : 0 })
    #expect(cast(path, from, GRAFT_TYPE_F32, x, zero: Float(9)) == x.map { Float($0) })
    #expect(cast(path, from, GRAFT_TYPE_F64, x, zero: Double(9)) == x.map { Double($0) })
    #expect(cast(path, from, GRAFT_TYPE_F16, x, zero: UInt16(9)) == x.map { roundedToHalf(Float($0)) ?? 0 })
    #expect(cast(path, from, GRAFT_TYPE_BF16, x, zero: UInt16(9)) == x.map { roundedToBFloat(Float($0)) ?? 0 })
  }

  @Test(arguments: VectorPath.allCases) func fromIntegers(path: VectorPath) throws {
    try path.require()
    Self.fromInteger(path, GRAFT_TYPE_U8, UInt8.self)
    Self.fromInteger(path, GRAFT_TYPE_I8, Int8.self)
    Self.fromInteger(path, GRAFT_TYPE_I16, Int16.self)
    Self.fromInteger(path, GRAFT_TYPE_I32, Int32.self)
    Self.fromInteger(path, GRAFT_TYPE_I64, Int64.self)
    Self.fromInteger(path, GRAFT_TYPE_U16, UInt16.self)
    Self.fromInteger(path, GRAFT_TYPE_U32, UInt32.self)
    Self.fromInteger(path, GRAFT_TYPE_U64, UInt64.self)
    #expect(Self.cast(path, GRAFT_TYPE_BOOL, GRAFT_TYPE_F32, [0, 1, 1] as [UInt8], zero: Float(9)) == [0, 1, 1])
    #expect(Self.cast(path, GRAFT_TYPE_BOOL, GRAFT_TYPE_I64, [0, 1, 1] as [UInt8], zero: Int64(9)) == [0, 1, 1])
  }

  @Test(arguments: VectorPath.allCases) func everyHalf(path: VectorPath) throws {
    try path.require()
    let bits = (0...UInt16.max).map { $0 }
    let floats = Self.cast(path, GRAFT_TYPE_F16, GRAFT_TYPE_F32, bits, zero: Float(9))
    for (bits, x) in zip(bits, floats) {
      let expected = Self.value(ofHalf: bits)
      #expect(x.bitPattern == expected.bitPattern || (x.isNaN && expected.isNaN))
    }
    let back = Self.cast(path, GRAFT_TYPE_F32, GRAFT_TYPE_F16, floats, zero: UInt16(9))
    #expect(
      zip(bits, back).allSatisfy { $0 == $1 || (Self.isNaN($0, GRAFT_TYPE_F16) && Self.isNaN($1, GRAFT_TYPE_F16)) })
    let wide = Self.cast(path, GRAFT_TYPE_BF16, GRAFT_TYPE_F32, bits, zero: Float(9))
    #expect(zip(bits, wide).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
  }

  static func moves<E: FixedWidthInteger & BitwiseCopyable>(_ path: VectorPath, _: E.Type) throws {
    let moves = try #require(graft_moves(path.kernels, MemoryLayout<E>.size)).pointee
    let source = (0..<2000).map { E(truncatingIfNeeded: $0 &* 0x9e37_79b9_7f4a_7c15) }
    for count in blockLengths {
      var block = [E](repeating: 0, count: count + 1)
      withUnsafePointer(to: source[3]) { moves.fill(&block, $0, count) }
      #expect(block == [E](repeating: source[3], count: count) + [0])
      for stride in [0, 1, 2, 3, -1, -3] {
        let origin = stride < 0 ? 1999 : 0
        try source.withUnsafeBufferPointer {
          moves.gather(&block, try #require($0.baseAddress) + origin, stride, count)
        }
        #expect(block == (0..<count).map { source[origin + $0 * stride] } + [0])
        if stride == 0 { continue }
        var spread = [E](repeating: 7, count: 2000), expected = spread
        for index in 0..<count { expected[origin + index * stride] = source[index] }
        try spread.withUnsafeMutableBufferPointer {
          moves.scatter(try #require($0.baseAddress) + origin, stride, source, count)
        }
        #expect(spread == expected)
      }
    }
    for (rows, columns) in [
      (0, 3), (3, 0), (1, 1), (2, 9), (3, 17), (4, 5), (5, 70), (8, 8), (9, 15), (33, 32), (16, 64), (40, 45),
      (140, 12), (17, 131),
    ] {
      let matrix = (0..<(rows + 1) * 150).map { E(truncatingIfNeeded: $0 &* 0x9e37_79b9) }
      var result = [E](repeating: 7, count: 160 * 132), expected = result
      for row in 0..<rows { for column in 0..<columns { expected[column * 150 + row] = matrix[row * 150 + column] } }
      moves.transpose(&result, 150, matrix, 150, rows, columns)
      #expect(result == expected, "\(rows) x \(columns)")
    }
  }

  @Test(arguments: VectorPath.allCases) func movesOfEveryWidth(path: VectorPath) throws {
    try path.require()
    try Self.moves(path, UInt8.self)
    try Self.moves(path, UInt16.self)
    try Self.moves(path, UInt32.self)
    try Self.moves(path, UInt64.self)
    for width in [0, 3, 5, 16] { #expect(graft_moves(path.kernels, width) == nil) }
  }
}
