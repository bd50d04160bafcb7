import Foundation

/// A function of matrices, which yields matrices; vectors and numbers are matrices too.
enum MatrixFunction: Sendable {
  case cholesky, inverse, solve, determinant, signLogDeterminant, exponential, householderProduct
  case solveTriangular(isUpper: Bool, hasUnitDiagonal: Bool)
  case qr(isComplete: Bool)
  case svd(isFull: Bool)
  case eigh
  /// Singular values below `cutoff` times the largest count as zero.
  case pseudoInverse(cutoff: Double)
  case norm(String)

  var name: String { "\(self)".split(separator: "(").first.map(String.init) ?? "matrix" }

  /// Whether it needs a library that may be missing.
  var needsLAPACK: Bool {
    switch self {
    case .exponential, .householderProduct, .solveTriangular: false
    default: true
    }
  }

  /// Rows and columns of a matrix.
  typealias Extents = (rows: Int, columns: Int)

  /// The extents of the results for matrices of some extents; nil where these do not fit.
  func results(of inputs: [Extents]) -> [Extents]? {
    guard let a = inputs.first else { return nil }
    let (isSquare, least) = (a.rows == a.columns, min(a.rows, a.columns))
    switch self {
    case .cholesky, .inverse, .exponential: return isSquare ? [a] : nil
    case .determinant: return isSquare ? [(1, 1)] : nil
    case .signLogDeterminant: return isSquare ? [(1, 1), (1, 1)] : nil
    case .eigh: return isSquare ? [(a.rows, 1), a] : nil
    case .solve, .solveTriangular:
      return isSquare && inputs.count == 2 && inputs[1].rows == a.rows ? [inputs[1]] : nil
    case .householderProduct:
      let fits = inputs.count == 2 && inputs[1].columns == 1 && inputs[1].rows <= a.columns && least == a.columns
      return fits ? [a] : nil
    case .qr(let isComplete):
      return isComplete ? [(a.rows, a.rows), a] : [(a.rows, least), (least, a.columns)]
    case .svd(let isFull):
      return isFull
        ? [(a.rows, a.rows), (least, 1), (a.columns, a.columns)]
        : [(a.rows, least), (least, 1), (least, a.columns)]
    case .pseudoInverse: return [(a.columns, a.rows)]
    case .norm: return [(1, 1)]
    }
  }

  /// - Throws: ``NativeError`` for matrices that the function is not defined on.
  func callAsFunction<Number: MatrixNumber>(_ inputs: [Matrix<Number>]) throws -> [Matrix<Number>] {
    let a = inputs[0]
    switch self {
    case .exponential: return [a.exponential]
    case .householderProduct: return [a.householderProduct(inputs[1].elements)]
    case .solveTriangular(let isUpper, let hasUnitDiagonal):
      return [a.substituted(inputs[1], isUpper: isUpper, hasUnitDiagonal: hasUnitDiagonal)]
    default: return try decomposed(inputs, LAPACK.shared.get())
    }
  }

  private func decomposed<Number: MatrixNumber>(
    _ inputs: [Matrix<Number>], _ library: LAPACK
  ) throws -> [Matrix<Number>] {
    let a = inputs[0]
    switch self {
    case .cholesky: return [try library.cholesky(a)]
    case .inverse: return [try library.solve(a, Matrix(identity: a.rows))]
    case .solve: return [try library.solve(a, inputs[1])]
    case .determinant:
      let pivots = try pivots(a, library)
      return [Matrix(column: [pivots.reduce(.one) { $0 * $1 }])]
    case .signLogDeterminant:
      let pivots = try pivots(a, library)
      let sign = pivots.reduce(Number.one) { $1.magnitude == 0 ? .zero : $0 * ($1 / Number($1.magnitude)) }
      return [Matrix(column: [sign]), Matrix(column: [Number(pivots.reduce(0) { $0 + log($1.magnitude) })])]
    case .qr(let isComplete):
      let (q, r) = try library.qr(a, isComplete: isComplete)
      return [q, r]
    case .svd(let isFull):
      let (u, s, vh) = try library.svd(a, isFull: isFull)
      return [u, Matrix(column: s.map { Number($0) }), vh]
    case .eigh:
      let (values, vectors) = try library.eigh(a)
      return [Matrix(column: values.map { Number($0) }), vectors]
    case .pseudoInverse(let cutoff):
      let (u, s, vh) = try library.svd(a, isFull: false)
      var scaled = vh.conjugateTransposed
      for (column, value) in s.enumerated() {
        let factor = Number(value > cutoff * s[0] ? 1 / value : 0)
        for row in 0..<scaled.rows { scaled[row, column] = scaled[row, column] * factor }
      }
      return [scaled * u.conjugateTransposed]
    case .norm(let order):
      let values = try library.svd(a, isFull: false).s
      let norm = order == "nuc" ? values.reduce(0, +) : (order == "2" ? values.first : values.last) ?? 0
      return [Matrix(column: [Number(norm)])]
    case .exponential, .householderProduct, .solveTriangular: return []
    }
  }

  /// The numbers whose product is the determinant; one of them is negated where the rows' order is odd.
  private func pivots<Number: MatrixNumber>(_ a: Matrix<Number>, _ library: LAPACK) throws -> [Number] {
    let (factors, exchanges) = try library.lu(a)
    let isOdd = exchanges.enumerated().count { Int($1) != $0 + 1 } % 2 == 1
    return (isOdd ? [Number(-1)] : []) + (0..<a.rows).map { factors[$0, $0] }
  }
}

extension Matrix {
  /// The exponential: Taylor's series of the matrix divided by a power of two, squared as often (Moler and Van Loan:
  /// "Nineteen dubious ways to compute the exponential of a matrix", 2003).
  var exponential: Matrix {
    let norm = norm
    guard norm.isFinite else { return map { _ in Number(.nan) } }
    let squarings = norm > 0.25 ? Int(log2(norm / 0.25).rounded(.up)) : 0
    let scale = Number(exp2(-Double(squarings)))
    let scaled = map { $0 * scale }
    var (term, result) = (Matrix(identity: rows), Matrix(identity: rows))
    for k in 1...18 {
      let share = Number(1 / Double(k))
      term = (term * scaled).map { $0 * share }
      result = result + term
    }
    for _ in 0..<squarings { result = result * result }
    return result
  }

  /// The first columns of the product of the reflections `1 - tau v v^H`, v being what is below the diagonal, and 1.
  func householderProduct(_ tau: [Number]) -> Matrix {
    var product = Matrix(rows, columns)
    for index in 0..<min(rows, columns) { product[index, index] = .one }
    for reflection in tau.indices.reversed() {
      let v = (0..<rows).map { $0 < reflection ? .zero : $0 == reflection ? .one : self[$0, reflection] }
      for column in 0..<columns {
        let share = (0..<rows).reduce(Number.zero) { $0 + v[$1].conjugate * product[$1, column] } * tau[reflection]
        for row in 0..<rows { product[row, column] = product[row, column] - v[row] * share }
      }
    }
    return product
  }

  /// z with self @ z = b, by one triangle.
  func substituted(_ b: Matrix, isUpper: Bool, hasUnitDiagonal: Bool) -> Matrix {
    var result = b
    for column in 0..<b.columns {
      for step in 0..<rows {
        let k = isUpper ? rows - 1 - step : step
        if !hasUnitDiagonal { result[k, column] = result[k, column] / self[k, k] }
        let value = result[k, column]
        for row in isUpper ? 0..<k : k + 1..<rows {
          result[row, column] = result[row, column] - self[row, k] * value
        }
      }
    }
    return result
  }
}
