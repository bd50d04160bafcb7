import Foundation
import NativeKernels
import Testing

/// Reductions of rows and columns, scans, and copies of rows.
@Suite struct VectorReductionTests {
  static let sizes = [
    (1, 0), (0, 3), (1, 1), (3, 7), (2, 16), (5, 17), (17, 33), (64, 64), (65, 5), (70, 200), (3, 1000), (1, 5000),
  ]

  /// Reduces a matrix of `count` by `n` elements along its rows, and its transpose along its columns.
  static func check<T: BitwiseCopyable, Result: BitwiseCopyable>(
    _ path: VectorPath, _ reducer: GraftReducer, _ type: GraftType, _ element: (inout SeededBits) -> T, zero: T,
    blank: Result, _ matches: (Result, [T]) -> Bool
  ) throws {
    let rows = try #require(graft_row_reduction(path.kernels, reducer, type))
    let columns = try #require(graft_column_reduction(path.kernels, reducer, type))
    for (count, n) in sizes {
      var generator = SeededBits(seed: UInt64(count * 1000 + n))
      let lists = (0..<count).map { _ in (0..<n).map { _ in element(&generator) } }
      let stride = n + 3, flat = lists.flatMap { $0 + [T](repeating: zero, count: 3) }
      var results = [Result](repeating: blank, count: count)
      rows(&results, flat, stride, count, n)
      let alongRows = zip(results, lists).allSatisfy(matches)
      verify(alongRows, "rows of \(count) x \(n), \(reducer.rawValue), \(type.rawValue)")
      var turned = [T](repeating: zero, count: n * (count + 3))
      for row in 0..<n { for column in 0..<count { turned[row * (count + 3) + column] = lists[column][row] } }
      results = [Result](repeating: blank, count: count)
      columns(&results, turned, count + 3, count, n)
      let alongColumns = zip(results, lists).allSatisfy(matches)
      verify(alongColumns, "columns of \(count) x \(n), \(reducer.rawValue), \(type.rawValue)")
    }
  }

  /// The place of the first extreme, NaN being the most extreme.
  static func place<T: Comparable>(_ list: [T], _ isBetter: (T, T) -> Bool) -> Int64 {
    var best = 0
    for index in list.indices
    where isBetter(list[index], list[best]) || (list[index] != list[index] && list[best] == list[best]) {
      best = index
    }
    return Int64(best)
  }

  static func floats<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(
    _ path: VectorPath, _ type: GraftType, _: T.Type
  ) throws {
    let element = { (generator: inout SeededBits) in T(Double.random(in: -1...2, using: &generator)) }
    func sum(_ result: T, _ terms: [Double]) -> Bool {
      // log2(n) roundings of partial sums, each no greater than the sum of magnitudes.
      let bound = 16 * Double(T.ulpOfOne) * compensatedSum(terms.map(abs))
      return abs(Double(result) - compensatedSum(terms)) <= bound
    }
    try check(path, GRAFT_REDUCE_SUM, type, element, zero: .nan, blank: T(7)) { sum($0, $1.map(Double.init)) }
    try check(path, GRAFT_REDUCE_SUM_OF_SQUARES, type, element, zero: .nan, blank: T(7)) {
      sum($0, $1.map { Double($0) * Double($0) })
    }
    let nearOne = { (generator: inout SeededBits) in T(Double.random(in: 0.98...1.02, using: &generator)) }
    try check(path, GRAFT_REDUCE_PRODUCT, type, nearOne, zero: .nan, blank: T(7)) { result, list in
      let exact = list.reduce(1.0) { $0 * Double($1) }
      return abs(Double(result) - exact) <= exact * Double(T.ulpOfOne) * Double(list.count + 1)
    }
    // Few values, so that extremes are in several places; and some NaN.
    for withNaN in [false, true] {
      let few = { (generator: inout SeededBits) -> T in
        withNaN && Int.random(in: 0..<300, using: &generator) == 0 ? .nan : T(Int.random(in: -9...9, using: &generator))
      }
      try check(path, GRAFT_REDUCE_MAXIMUM, type, few, zero: .nan, blank: T(7)) { result, list in
        list.contains(where: \.isNaN) ? result.isNaN : result == list.max() ?? -.infinity
      }
      try check(path, GRAFT_REDUCE_MINIMUM, type, few, zero: .nan, blank: T(7)) { result, list in
        list.contains(where: \.isNaN) ? result.isNaN : result == list.min() ?? .infinity
      }
      try check(path, GRAFT_REDUCE_ARGMAX, type, few, zero: .nan, blank: Int64(7)) { $0 == place($1, >) }
      try check(path, GRAFT_REDUCE_ARGMIN, type, few, zero: .nan, blank: Int64(7)) { $0 == place($1, <) }
    }
  }

  @Test(arguments: VectorPath.allCases) func floats(path: VectorPath) throws {
    try path.require()
    try Self.floats(path, GRAFT_TYPE_F32, Float.self)
    try Self.floats(path, GRAFT_TYPE_F64, Double.self)
  }

  /// A sum whose terms are all 0.1 has 2^20 of them, and less than 4 units of the last place of error.
  @Test(arguments: VectorPath.allCases) func sumsOfManyTermsAreAccurate(path: VectorPath) throws {
    try path.require()
    let n = 1 << 20, terms = [Float](repeating: 0.1, count: n), exact = Double(Float(0.1)) * Double(n)
    var result: Float = 0
    let rows = try #require(graft_row_reduction(path.kernels, GRAFT_REDUCE_SUM, GRAFT_TYPE_F32))
    rows(&result, terms, n, 1, n)
    #expect(ulps(result, from: exact) <= 4)
    let columns = try #require(graft_column_reduction(path.kernels, GRAFT_REDUCE_SUM, GRAFT_TYPE_F32))
    columns(&result, terms, 1, 1, n)
    #expect(ulps(result, from: exact) <= 16)
  }

  static func extremes<T: FixedWidthInteger & BitwiseCopyable & SendableMetatype>(
    _ path: VectorPath, _ type: GraftType, _: T.Type, least: T = .min, greatest: T = .max
  ) throws {
    let element = { (generator: inout SeededBits) in T.random(in: least...greatest, using: &generator) }
    try check(path, GRAFT_REDUCE_MAXIMUM, type, element, zero: greatest, blank: T(7)) { $0 == $1.max() ?? least }
    try check(path, GRAFT_REDUCE_MINIMUM, type, element, zero: least, blank: T(7)) { $0 == $1.min() ?? greatest }
  }

  static func whole<T: FixedWidthInteger & BitwiseCopyable & SendableMetatype>(
    _ path: VectorPath, _ type: GraftType, _: T.Type
  ) throws {
    let element = { (generator: inout SeededBits) in T.random(in: .min ... .max, using: &generator) }
    try check(path, GRAFT_REDUCE_SUM, type, element, zero: 9, blank: Int64(7)) { result, list in
      result == list.reduce(0) { $0 &+ Int64($1) }
    }
    try check(path, GRAFT_REDUCE_PRODUCT, type, element, zero: 9, blank: Int64(7)) { result, list in
      result == list.reduce(1) { $0 &* Int64($1) }
    }
    let few = { (generator: inout SeededBits) in T.random(in: -9...9, using: &generator) }
    try check(path, GRAFT_REDUCE_ARGMAX, type, few, zero: 9, blank: Int64(7)) { $0 == place($1, >) }
    try check(path, GRAFT_REDUCE_ARGMIN, type, few, zero: 9, blank: Int64(7)) { $0 == place($1, <) }
  }

  @Test(arguments: VectorPath.allCases) func integers(path: VectorPath) throws {
    try path.require()
    try Self.extremes(path, GRAFT_TYPE_BOOL, UInt8.self, least: 0, greatest: 1)
    try Self.extremes(path, GRAFT_TYPE_U8, UInt8.self)
    try Self.extremes(path, GRAFT_TYPE_I8, Int8.self)
    try Self.extremes(path, GRAFT_TYPE_I16, Int16.self)
    try Self.extremes(path, GRAFT_TYPE_I32, Int32.self)
    try Self.extremes(path, GRAFT_TYPE_I64, Int64.self)
    try Self.whole(path, GRAFT_TYPE_I32, Int32.self)
    try Self.whole(path, GRAFT_TYPE_I64, Int64.self)
    #expect(graft_row_reduction(path.kernels, GRAFT_REDUCE_SUM, GRAFT_TYPE_U8) == nil)
  }

  @Test func scans() throws {
    let x: [Double] = [3, -1, 4, 1, .nan, 9]
    for (reducer, expected) in [
      (GRAFT_REDUCE_SUM, [3, 2, 6, 7, .nan, .nan]), (GRAFT_REDUCE_PRODUCT, [3, -3, -12, -12, .nan, .nan]),
      (GRAFT_REDUCE_MAXIMUM, [3, 3, 4, 4, .nan, .nan]), (GRAFT_REDUCE_MINIMUM, [3, -1, -1, -1, .nan, .nan]),
    ] as [(GraftReducer, [Double])] {
      var results = [Double](repeating: 7, count: 12)
      let f64 = try #require(graft_scan(reducer, GRAFT_TYPE_F64))
      f64(&results, 2, x, 1, 6)
      #expect(results.description == expected.flatMap { [$0, 7.0] as [Double] }.description)
      var floats = [Float](repeating: 7, count: 6)
      let f32 = try #require(graft_scan(reducer, GRAFT_TYPE_F32))
      f32(&floats, 1, x.map(Float.init), 1, 6)
      #expect(floats.description == expected.description)
      var integers = [Int64](repeating: 7, count: 4)
      let i64 = try #require(graft_scan(reducer, GRAFT_TYPE_I64))
      i64(&integers, 1, [3, -1, 4, 1] as [Int64], 1, 4)
      #expect(integers == expected.prefix(4).map { Int64($0) })
    }
    #expect(graft_scan(GRAFT_REDUCE_ARGMAX, GRAFT_TYPE_F32) == nil)
  }

  @Test func rowsAreCopiedByIndex() {
    let table = (0..<20).map { UInt8($0) }
    var results = [UInt8](repeating: 99, count: 12)
    graft_gather_rows(&results, 4, table, 5, [3, 0, 2], 3, 3)
    #expect(results == [15, 16, 17, 99, 0, 1, 2, 99, 10, 11, 12, 99])
  }
}
