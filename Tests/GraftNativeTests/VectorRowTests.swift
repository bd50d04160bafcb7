import Foundation
import NativeKernels
import Testing

/// Softmax and normalisation of rows against the same in double precision.
@Suite struct VectorRowTests {
  /// A floating type with its kernels.
  static func kernels<T>(_ path: VectorPath, _: T.Type) throws -> GraftRows {
    try #require(graft_rows(path.kernels, T.self == Float.self ? GRAFT_TYPE_F32 : GRAFT_TYPE_F64)).pointee
  }

  static let lengths = [1, 2, 7, 16, 17, 49, 64, 197, 512, 1000, 4100]

  /// Rows with gaps between them, which no kernel may read or write: they are NaN in operands and 7 in results.
  struct Matrix<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype> {
    var rows: [[T]]
    var stride: Int

    init(_ rows: [[T]], gap: Int = 5) {
      self.rows = rows
      stride = (rows.first?.count ?? 0) + gap
    }

    var elements: [T] { rows.flatMap { $0 + [T](repeating: .nan, count: stride - $0.count) } }
    var blank: [T] { [T](repeating: 7, count: rows.count * stride) }

    func rows(of results: [T], _ columns: Int? = nil) -> [[T]] {
      rows.indices.map { Array(results[($0 * stride)..<($0 * stride + (columns ?? rows[0].count))]) }
    }
  }

  static func random<T: BinaryFloatingPoint>(_: T.Type, _ rows: Int, _ n: Int, seed: UInt64) -> [[T]] {
    var generator = SeededBits(seed: seed)
    return (0..<rows).map { _ in (0..<n).map { _ in T(Double.random(in: -9...13, using: &generator)) } }
  }

  /// Whether results are near to exact ones: within `bound` units of the last place of the greatest of them, or of
  /// themselves where that is what `relative` says.
  static func near<T: BinaryFloatingPoint>(
    _ results: [T], _ exact: [Double], _ bound: Double, relative: Bool = false
  ) -> Bool {
    let scale = exact.map(abs).max() ?? 1
    return zip(results, exact).allSatisfy { result, exact in
      abs(Double(result) - exact) <= bound * Double(T.ulpOfOne) * (relative ? abs(exact) : max(scale, 1))
        || Double(result) == exact || (result.isNaN && exact.isNaN)
    }
  }

  static func softmax(_ row: [Double]) -> [Double] {
    let greatest = row.max() ?? 0, terms = row.map { exp($0 - greatest) }, sum = compensatedSum(terms)
    return terms.map { $0 / sum }
  }

  static func exponentials<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(_ path: VectorPath, _: T.Type)
    throws
  {
    let kernels = try kernels(path, T.self)
    for n in lengths {
      let matrix = Matrix(random(T.self, 3, n, seed: UInt64(n)))
      var results = matrix.blank
      kernels.softmax(&results, matrix.stride, matrix.elements, matrix.stride, 3, n)
      var inPlace = matrix.elements
      kernels.softmax(&inPlace, matrix.stride, inPlace, matrix.stride, 3, n)
      var logarithms = matrix.blank, sums = [T](repeating: 7, count: 4)
      kernels.log_softmax(&logarithms, matrix.stride, matrix.elements, matrix.stride, 3, n)
      kernels.logsumexp(&sums, matrix.elements, matrix.stride, 3, n)
      verify(sums[3] == 7)
      verify(matrix.rows(of: inPlace) == matrix.rows(of: results))
      for row in 0..<3 {
        let x = matrix.rows[row].map(Double.init), exact = softmax(x)
        // The greatest relative error is that of the exponential, of its argument, of the sum and of the scale.
        verify(near(matrix.rows(of: results)[row], exact, 14, relative: true), "softmax of \(n)")
        verify(near(matrix.rows(of: logarithms)[row], exact.map { log($0) }, 4), "log_softmax of \(n)")
        let greatest = x.max() ?? 0, sum = greatest + log(compensatedSum(x.map { exp($0 - greatest) }))
        verify(near([sums[row]], [sum], 4), "logsumexp of \(n)")
        verify(results[(row * matrix.stride + n)..<((row + 1) * matrix.stride)].allSatisfy { $0 == 7 })
      }
    }
    var results = [T](repeating: 7, count: 3)
    kernels.softmax(&results, 1, results, 1, 3, 0)
    verify(results == [7, 7, 7])
    kernels.logsumexp(&results, [] as [T], 0, 1, 0)
    verify(results[0] == -.infinity)
    for (x, exact) in [
      ([-.infinity, -.infinity], -.infinity), ([.infinity, 0], .infinity), ([1, .nan], .nan), ([-.infinity, 3], 3),
    ] as [([T], T)] {
      kernels.logsumexp(&results, x, 2, 1, 2)
      verify(results[0] == exact || (results[0].isNaN && exact.isNaN))
    }
    var masked = [T](repeating: 0, count: 20)
    kernels.softmax(&masked, 20, [T](repeating: -.infinity, count: 19) + [5], 20, 1, 20)
    verify(masked == [T](repeating: 0, count: 19) + [1])
  }

  @Test(arguments: VectorPath.allCases) func exponentials(path: VectorPath) throws {
    try path.require()
    try Self.exponentials(path, Float.self)
    try Self.exponentials(path, Double.self)
  }

  static func moments(_ x: [Double]) -> (mean: Double, variance: Double) {
    let mean = compensatedSum(x) / Double(x.count)
    return (mean, compensatedSum(x.map { ($0 - mean) * ($0 - mean) }) / Double(x.count))
  }

  static func normalisation<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(_ path: VectorPath, _: T.Type)
    throws
  {
    let kernels = try kernels(path, T.self)
    for n in lengths {
      // A mean that is large beside the deviation loses digits unless the deviations are formed first.
      let matrix = Matrix(
        random(T.self, 3, n, seed: UInt64(n)).enumerated().map { row in row.1.map { $0 + T(row.0 * 100) } })
      let weight = random(T.self, 1, n, seed: 1)[0], bias = random(T.self, 1, n, seed: 2)[0]
      for (weight, bias) in [(weight, bias), (weight, nil), (nil, bias), (nil, nil)] as [([T]?, [T]?)] {
        var layer = matrix.blank, root = matrix.blank
        with(weight) { weight in
          with(bias) { bias in
            kernels.layer_norm(&layer, matrix.stride, matrix.elements, matrix.stride, weight, bias, 1e-5, 3, n)
          }
          kernels.rms_norm(&root, matrix.stride, matrix.elements, matrix.stride, weight, 1e-5, 3, n)
        }
        for row in 0..<3 {
          let x = matrix.rows[row].map(Double.init), (mean, variance) = moments(x)
          let w = (weight ?? [T](repeating: 1, count: n)).map(Double.init)
          let b = (bias ?? [T](repeating: 0, count: n)).map(Double.init)
          let exact = x.indices.map { (x[$0] - mean) / (variance + 1e-5).squareRoot() * w[$0] + b[$0] }
          // Deviations have the error of the mean, which is one of the elements.
          let bound = 8 * (1 + (x.map(abs).max() ?? 0) / (variance + 1e-5).squareRoot())
          verify(near(matrix.rows(of: layer)[row], exact, bound), "layer_norm of \(n)")
          let square = compensatedSum(x.map { $0 * $0 }) / Double(n)
          let scaled = x.indices.map { x[$0] / (square + 1e-5).squareRoot() * w[$0] }
          verify(near(matrix.rows(of: root)[row], scaled, 8), "rms_norm of \(n)")
          verify(layer[(row * matrix.stride + n)..<((row + 1) * matrix.stride)].allSatisfy { $0 == 7 })
          verify(root[(row * matrix.stride + n)..<((row + 1) * matrix.stride)].allSatisfy { $0 == 7 })
        }
      }
    }
  }

  /// Runs `body` with the address of an array's elements, or NULL.
  static func with<T>(_ array: [T]?, _ body: (UnsafeRawPointer?) throws -> Void) rethrows {
    if let array { try array.withUnsafeBytes { try body($0.baseAddress) } } else { try body(nil) }
  }

  @Test(arguments: VectorPath.allCases) func normalisation(path: VectorPath) throws {
    try path.require()
    try Self.normalisation(path, Float.self)
    try Self.normalisation(path, Double.self)
  }

  static func statistics<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(_ path: VectorPath, _: T.Type)
    throws
  {
    let kernels = try kernels(path, T.self)
    for (rows, columns, width) in [
      (1, 1, 1), (5, 3, 1), (70, 17, 1), (49, 64, 2), (300, 96, 3), (33, 200, 100), (9, 66, 22),
    ] {
      let matrix = Matrix(random(T.self, rows, columns, seed: UInt64(columns))), groups = columns / width
      func check(_ mean: [T], _ variance: [T], _ members: [[Double]], _ what: String) {
        for (index, members) in members.enumerated() {
          let (m, v) = moments(members)
          verify(near([mean[index]], [m], 16) && near([variance[index]], [v], 16), "\(what) of \(rows) x \(columns)")
        }
        verify(mean[members.count] == 7 && variance[members.count] == 7)
      }
      var mean = [T](repeating: 7, count: max(rows, columns) + 1), variance = mean
      kernels.group_moments(&mean, &variance, matrix.elements, matrix.stride, rows, groups, width)
      check(
        mean, variance,
        (0..<groups).map { g in matrix.rows.flatMap { $0[(g * width)..<((g + 1) * width)].map(Double.init) } }, "groups"
      )
      mean = [T](repeating: 7, count: max(rows, columns) + 1)
      variance = mean
      kernels.row_moments(&mean, &variance, matrix.elements, matrix.stride, rows, columns)
      check(mean, variance, matrix.rows.map { $0.map(Double.init) }, "rows")
      mean = [T](repeating: 7, count: max(rows, columns) + 1)
      variance = mean
      kernels.column_moments(&mean, &variance, matrix.elements, matrix.stride, rows, columns)
      check(mean, variance, (0..<columns).map { c in matrix.rows.map { Double($0[c]) } }, "columns")

      let m = random(T.self, 1, max(rows, columns), seed: 5)[0], f = random(T.self, 1, m.count, seed: 6)[0]
      let s = random(T.self, 1, m.count, seed: 7)[0]
      var byRow = matrix.blank, byColumn = matrix.blank
      kernels.scale_rows(&byRow, matrix.stride, matrix.elements, matrix.stride, m, f, s, rows, columns)
      kernels.scale_columns(&byColumn, matrix.stride, matrix.elements, matrix.stride, m, f, s, rows, columns)
      for row in 0..<rows {
        let x = matrix.rows[row].map(Double.init)
        let exact = x.map { ($0 - Double(m[row])) * Double(f[row]) + Double(s[row]) }
        verify(near(matrix.rows(of: byRow)[row], exact, 4))
        let other = x.indices.map { (x[$0] - Double(m[$0])) * Double(f[$0]) + Double(s[$0]) }
        verify(near(matrix.rows(of: byColumn)[row], other, 4))
      }
    }
  }

  @Test(arguments: VectorPath.allCases) func statistics(path: VectorPath) throws {
    try path.require()
    try Self.statistics(path, Float.self)
    try Self.statistics(path, Double.self)
  }

  static func normalisationGradient<T: BinaryFloatingPoint & BitwiseCopyable & SendableMetatype>(
    _ path: VectorPath, _: T.Type
  ) throws {
    let kernels = try kernels(path, T.self)
    for n in lengths {
      let matrix = Matrix(random(T.self, 3, n, seed: UInt64(n))), given = Matrix(random(T.self, 3, n, seed: 5), gap: 2)
      for weight in [random(T.self, 1, n, seed: 1)[0], nil] {
        var (dx, ofWeight, ofBias) = ([T](repeating: 7, count: 3 * n + 1), [T](repeating: 7, count: n + 1), [T]())
        ofBias = ofWeight
        with(weight) { weight in
          kernels.layer_norm_gradient(
            &dx, &ofWeight, &ofBias, given.elements, given.stride, matrix.elements, matrix.stride, weight, 1e-2, 3, n)
        }
        verify(dx[3 * n] == 7 && ofWeight[n] == 7 && ofBias[n] == 7)
        let w = (weight ?? [T](repeating: 1, count: n)).map(Double.init)
        var (sumOfWeight, sumOfBias) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
        for row in 0..<3 {
          let x = matrix.rows[row].map(Double.init), ct = given.rows[row].map(Double.init)
          let (mean, variance) = moments(x), inverse = 1 / (variance + 1e-2).squareRoot()
          let normal = x.map { ($0 - mean) * inverse }, g = zip(ct, w).map { $0 * $1 }
          let average = compensatedSum(g) / Double(n)
          let slope = compensatedSum(zip(g, normal).map { $0 * $1 }) / Double(n)
          let exact = x.indices.map { (g[$0] - average - normal[$0] * slope) * inverse }
          // The parts that are subtracted, with the error of deviations, over the deviation.
          let size = ((g.map(abs).max() ?? 0) + abs(slope) * (normal.map(abs).max() ?? 0)) * inverse
          let bound = 8 * (1 + (x.map(abs).max() ?? 0) * inverse) * max(size, 1) / max(exact.map(abs).max() ?? 1, 1)
          verify(near(Array(dx[(row * n)..<((row + 1) * n)]), exact, bound), "layer_norm_gradient of \(n)")
          for i in x.indices {
            sumOfWeight[i] += ct[i] * normal[i]
            sumOfBias[i] += ct[i]
          }
        }
        verify(near(Array(ofWeight[..<n]), sumOfWeight, 64), "weight of \(n)")
        verify(near(Array(ofBias[..<n]), sumOfBias, 8), "bias of \(n)")
      }
    }
    var dx = [T](repeating: 7, count: 4)
    kernels.layer_norm_gradient(&dx, nil, nil, [1, 2, 3, 4] as [T], 2, [1, 2, 3, 5] as [T], 2, nil, 1e-2, 2, 2)
    verify(!dx.contains(7))
  }

  @Test(arguments: VectorPath.allCases) func normalisationGradient(path: VectorPath) throws {
    try path.require()
    try Self.normalisationGradient(path, Float.self)
    try Self.normalisationGradient(path, Double.self)
  }
}
