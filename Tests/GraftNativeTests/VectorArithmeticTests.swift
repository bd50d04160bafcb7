import Foundation
import NativeKernels
import Testing

/// The operators of two and three operands, and those of integers, against Swift's own.
@Suite struct VectorArithmeticTests {
  struct Binary<T> {
    var op: GraftOperator
    var reference: (T, T) -> T
  }

  /// Compares a block function of two operands with `reference`, NaN being equal to NaN.
  static func compare<T: Equatable & BitwiseCopyable, Result: Equatable & BitwiseCopyable>(
    _ path: VectorPath, _ op: GraftOperator, _ type: GraftType, _ x: [T], _ y: [T], zero: Result,
    _ reference: (T, T) -> Result
  ) throws {
    let block = try #require(graft_block(path.kernels, op, type))
    var results = [Result](repeating: zero, count: x.count)
    block(&results, x, y, nil, x.count)
    for index in x.indices {
      let expected = reference(x[index], y[index]), result = results[index]
      let same = result == expected || (result != result && expected != expected)
      #expect(same, "\(op.rawValue) of \(x[index]), \(y[index]) is \(result), not \(expected)")
      if !same { return }
    }
  }

  /// All pairs of a few numbers.
  static func pairs<T>(_ values: [T]) -> ([T], [T]) {
    (values.flatMap { x in values.map { _ in x } }, values.flatMap { _ in values })
  }

  static func floorDivide(_ x: Float, _ y: Float) -> Float {
    if y == 0 { return x / y }
    let rest = fmod(x, y)
    var quotient = (x - rest) / y
    if rest != 0, (rest < 0) != (y < 0) { quotient -= 1 }
    if quotient == 0 { return copysign(0, x / y) }
    let whole = floor(quotient)
    return quotient - whole > 0.5 ? whole + 1 : whole
  }

  static func remainder(_ x: Float, _ y: Float) -> Float {
    let rest = fmod(x, y)
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
  }

  @Test(arguments: VectorPath.allCases) func floats(path: VectorPath) throws {
    try path.require()
    var generator = SeededBits(seed: 3)
    let numbers = specials(Float.self) + (0..<40).map { _ in Float.random(in: -20...20, using: &generator) }
    let (x, y) = Self.pairs(numbers)
    let functions: [Binary<Float>] = [
      Binary(op: GRAFT_OP_ADD) { $0 + $1 },
      Binary(op: GRAFT_OP_SUBTRACT) { $0 - $1 },
      Binary(op: GRAFT_OP_MULTIPLY) { $0 * $1 },
      Binary(op: GRAFT_OP_DIVIDE) { $0 / $1 },
      Binary(op: GRAFT_OP_POWER) { pow($0, $1) },
      Binary(op: GRAFT_OP_MAXIMUM) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) },
      Binary(op: GRAFT_OP_MINIMUM) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) },
      Binary(op: GRAFT_OP_FMAX) { $0.isNaN ? $1 : $1.isNaN ? $0 : max($0, $1) },
      Binary(op: GRAFT_OP_FMIN) { $0.isNaN ? $1 : $1.isNaN ? $0 : min($0, $1) },
      Binary(op: GRAFT_OP_ATAN2) { atan2($0, $1) },
      Binary(op: GRAFT_OP_HYPOT) { hypot($0, $1) },
      Binary(op: GRAFT_OP_COPYSIGN) { copysign($0, $1) },
      Binary(op: GRAFT_OP_FLOOR_DIVIDE) { Self.floorDivide($0, $1) },
      Binary(op: GRAFT_OP_TRUNCATE_DIVIDE) { trunc($0 / $1) },
      Binary(op: GRAFT_OP_REMAINDER) { Self.remainder($0, $1) },
      Binary(op: GRAFT_OP_FMOD) { fmod($0, $1) },
    ]
    for function in functions {
      try Self.compare(path, function.op, GRAFT_TYPE_F32, x, y, zero: 0, function.reference)
    }
    let comparisons: [(GraftOperator, (Float, Float) -> Bool)] = [
      (GRAFT_OP_EQUAL, { $0 == $1 }), (GRAFT_OP_NOT_EQUAL, { $0 != $1 }), (GRAFT_OP_LESS, { $0 < $1 }),
      (GRAFT_OP_LESS_EQUAL, { $0 <= $1 }), (GRAFT_OP_GREATER, { $0 > $1 }), (GRAFT_OP_GREATER_EQUAL, { $0 >= $1 }),
      (GRAFT_OP_IS_NAN, { x, _ in x.isNaN }), (GRAFT_OP_IS_INFINITE, { x, _ in x.isInfinite }),
      (GRAFT_OP_IS_FINITE, { x, _ in x.isFinite }), (GRAFT_OP_SIGN_BIT, { x, _ in x.sign == .minus }),
      (GRAFT_OP_LOGICAL_NOT, { x, _ in x == 0 }),
    ]
    for (op, reference) in comparisons {
      try Self.compare(path, op, GRAFT_TYPE_F32, x, y, zero: UInt8(9)) { reference($0, $1) ? 1 : 0 }
      try Self.compare(path, op, GRAFT_TYPE_F64, x.map(Double.init), y.map(Double.init), zero: UInt8(9)) {
        reference(Float($0), Float($1)) ? 1 : 0
      }
    }
  }

  static func power<T: FixedWidthInteger>(_ x: T, _ y: T) -> T {
    if y < 0 { return x == 1 ? 1 : x == 0 &- 1 ? (y & 1 == 0 ? 1 : x) : 0 }
    var result: T = 1, square = x, rest = y
    while rest != 0 {
      if rest & 1 == 1 { result = result &* square }
      square = square &* square
      rest >>= 1
    }
    return result
  }

  static func quotient<T: FixedWidthInteger>(_ x: T, _ y: T) -> (truncated: T, rest: T, floored: T, remainder: T) {
    if y == 0 { return (0 &- 1, x, 0 &- 1, x) }
    let truncated = x.dividedReportingOverflow(by: y).partialValue
    let rest = T.isSigned && y == 0 &- 1 ? 0 : x % y
    let adjusts = rest != 0 && (rest < 0) != (y < 0)
    return (truncated, rest, adjusts ? truncated - 1 : truncated, adjusts ? rest + y : rest)
  }

  static func compareIntegers<T: FixedWidthInteger & BitwiseCopyable>(_ path: VectorPath, _ type: GraftType, _: T.Type)
    throws
  {
    var generator = SeededBits(seed: 5)
    let borders: [T] = [
      0, 1, 2, 3, 7, T(T.bitWidth), T(T.bitWidth - 1), .max, .max - 1, .min, .min + 1, 0 &- 1, 0 &- 2,
    ]
    let (x, y) = pairs(borders + (0..<40).map { _ in T.random(in: .min ... .max, using: &generator) })
    let width = T(T.bitWidth)
    let functions: [Binary<T>] = [
      Binary(op: GRAFT_OP_NEGATIVE) { x, _ in 0 &- x },
      Binary(op: GRAFT_OP_ABS) { x, _ in x < 0 ? 0 &- x : x },
      Binary(op: GRAFT_OP_SIGN) { x, _ in x.signum() },
      Binary(op: GRAFT_OP_SQUARE) { x, _ in x &* x },
      Binary(op: GRAFT_OP_RELU) { x, _ in max(x, 0) },
      Binary(op: GRAFT_OP_BITWISE_NOT) { x, _ in ~x },
      Binary(op: GRAFT_OP_ADD) { $0 &+ $1 },
      Binary(op: GRAFT_OP_SUBTRACT) { $0 &- $1 },
      Binary(op: GRAFT_OP_MULTIPLY) { $0 &* $1 },
      Binary(op: GRAFT_OP_MAXIMUM) { max($0, $1) },
      Binary(op: GRAFT_OP_MINIMUM) { min($0, $1) },
      Binary(op: GRAFT_OP_BITWISE_AND) { $0 & $1 },
      Binary(op: GRAFT_OP_BITWISE_OR) { $0 | $1 },
      Binary(op: GRAFT_OP_BITWISE_XOR) { $0 ^ $1 },
      Binary(op: GRAFT_OP_LEFT_SHIFT) { $1 < 0 || $1 >= width ? 0 : $0 << $1 },
      Binary(op: GRAFT_OP_RIGHT_SHIFT) { $0 >> ($1 < 0 || $1 >= width ? width - 1 : $1) },
      Binary(op: GRAFT_OP_POWER) { power($0, $1) },
      Binary(op: GRAFT_OP_TRUNCATE_DIVIDE) { quotient($0, $1).truncated },
      Binary(op: GRAFT_OP_FMOD) { quotient($0, $1).rest },
      Binary(op: GRAFT_OP_FLOOR_DIVIDE) { quotient($0, $1).floored },
      Binary(op: GRAFT_OP_REMAINDER) { quotient($0, $1).remainder },
    ]
    for function in functions { try compare(path, function.op, type, x, y, zero: 0, function.reference) }
    let comparisons: [(GraftOperator, (T, T) -> Bool)] = [
      (GRAFT_OP_EQUAL, { $0 == $1 }), (GRAFT_OP_NOT_EQUAL, { $0 != $1 }), (GRAFT_OP_LESS, { $0 < $1 }),
      (GRAFT_OP_LESS_EQUAL, { $0 <= $1 }), (GRAFT_OP_GREATER, { $0 > $1 }), (GRAFT_OP_GREATER_EQUAL, { $0 >= $1 }),
      (GRAFT_OP_SIGN_BIT, { x, _ in x < 0 }), (GRAFT_OP_LOGICAL_NOT, { x, _ in x == 0 }),
    ]
    for (op, reference) in comparisons {
      try compare(path, op, type, x, y, zero: UInt8(9)) { reference($0, $1) ? 1 : 0 }
    }
    let z = Array(x.reversed())
    for (op, reference) in [
      (GRAFT_OP_CLIP, { min(max($0, $1), $2) }), (GRAFT_OP_FMA, { $0 &* $1 &+ $2 }),
    ] as [(GraftOperator, (T, T, T) -> T)] {
      let block = try #require(graft_block(path.kernels, op, type))
      var results = [T](repeating: 0, count: x.count)
      block(&results, x, y, z, x.count)
      #expect(results == x.indices.map { reference(x[$0], y[$0], z[$0]) })
    }
  }

  @Test(arguments: VectorPath.allCases) func integers(path: VectorPath) throws {
    try path.require()
    try Self.compareIntegers(path, GRAFT_TYPE_U8, UInt8.self)
    try Self.compareIntegers(path, GRAFT_TYPE_I8, Int8.self)
    try Self.compareIntegers(path, GRAFT_TYPE_I16, Int16.self)
    try Self.compareIntegers(path, GRAFT_TYPE_I32, Int32.self)
    try Self.compareIntegers(path, GRAFT_TYPE_I64, Int64.self)
    try Self.compareIntegers(path, GRAFT_TYPE_U16, UInt16.self)
    try Self.compareIntegers(path, GRAFT_TYPE_U32, UInt32.self)
    try Self.compareIntegers(path, GRAFT_TYPE_U64, UInt64.self)
  }

  @Test(arguments: VectorPath.allCases) func booleans(path: VectorPath) throws {
    try path.require()
    let (x, y) = Self.pairs([0, 1] as [UInt8])
    let functions: [(GraftOperator, (Bool, Bool) -> Bool)] = [
      (GRAFT_OP_ADD, { $0 || $1 }), (GRAFT_OP_MULTIPLY, { $0 && $1 }), (GRAFT_OP_MAXIMUM, { $0 || $1 }),
      (GRAFT_OP_MINIMUM, { $0 && $1 }), (GRAFT_OP_BITWISE_AND, { $0 && $1 }), (GRAFT_OP_BITWISE_OR, { $0 || $1 }),
      (GRAFT_OP_BITWISE_XOR, { $0 != $1 }), (GRAFT_OP_BITWISE_NOT, { x, _ in !x }),
      (GRAFT_OP_LOGICAL_NOT, { x, _ in !x }), (GRAFT_OP_EQUAL, { $0 == $1 }), (GRAFT_OP_NOT_EQUAL, { $0 != $1 }),
      (GRAFT_OP_LESS, { !$0 && $1 }), (GRAFT_OP_LESS_EQUAL, { !$0 || $1 }), (GRAFT_OP_GREATER, { $0 && !$1 }),
      (GRAFT_OP_GREATER_EQUAL, { $0 || !$1 }),
    ]
    for (op, reference) in functions {
      try Self.compare(path, op, GRAFT_TYPE_BOOL, x, y, zero: UInt8(9)) { reference($0 != 0, $1 != 0) ? 1 : 0 }
    }
  }

  @Test(arguments: VectorPath.allCases) func threeOperands(path: VectorPath) throws {
    try path.require()
    var generator = SeededBits(seed: 7)
    let numbers = specials(Float.self), count = 1000
    let operands = (0..<3).map { _ in
      (0..<count).map { _ in numbers.randomElement(using: &generator) ?? Float.random(in: -9...9, using: &generator) }
    }
    let conditions = (0..<count).map { _ in UInt8.random(in: 0...1, using: &generator) }
    var results = [Float](repeating: 0, count: count)
    let select = try #require(graft_block(path.kernels, GRAFT_OP_WHERE, GRAFT_TYPE_F32))
    select(&results, conditions, operands[0], operands[1], count)
    for index in 0..<count {
      let expected = conditions[index] != 0 ? operands[0][index] : operands[1][index]
      #expect(results[index].bitPattern == expected.bitPattern)
    }
    let clip = try #require(graft_block(path.kernels, GRAFT_OP_CLIP, GRAFT_TYPE_F32))
    clip(&results, operands[0], operands[1], operands[2], count)
    for index in 0..<count {
      let three = operands.map { $0[index] }
      let expected = three.contains(where: \.isNaN) ? .nan : min(max(three[0], three[1]), three[2])
      #expect(results[index] == expected || (results[index].isNaN && expected.isNaN))
    }
    let ordinary = (0..<3).map { _ in (0..<count).map { _ in Float.random(in: -9...9, using: &generator) } }
    let multiplyAdd = try #require(graft_block(path.kernels, GRAFT_OP_FMA, GRAFT_TYPE_F32))
    multiplyAdd(&results, ordinary[0], ordinary[1], ordinary[2], count)
    for index in 0..<count {
      let (x, y, z) = (ordinary[0][index], ordinary[1][index], ordinary[2][index])
      #expect(results[index] == z.addingProduct(x, y) || results[index] == x * y + z)
    }
  }
}
