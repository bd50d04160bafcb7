import GraftIR

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// LAPACK (Anderson et al.: "LAPACK Users' Guide", 1999) as OpenBLAS has it, loaded at run time. All calls are in double
/// precision, and on the calling thread alone.
struct LAPACK: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer

  typealias Argument = UnsafeMutableRawPointer?
  typealias F6 = @convention(c) (Argument, Argument, Argument, Argument, Argument, Argument) -> Void
  typealias F8 =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument
    ) -> Void
  typealias F9 =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument
    ) -> Void
  typealias F13 =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Int,
      Int
    ) -> Void
  typealias F15 =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument,
      Argument, Argument, Int, Int
    ) -> Void
  typealias F15Once =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument,
      Argument, Argument, Argument, Int
    ) -> Void
  typealias F16 =
    @convention(c) (
      Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument, Argument,
      Argument, Argument, Argument, Argument, Int
    ) -> Void

  /// The library of this process, or why there is none.
  static let shared: Result<LAPACK, Diagnostic> = {
    switch BLASLibrary.status {
    case .missing(let reason, let remedy): return .failure(missing(reason, remedy))
    case .loaded(let library):
      guard let handle = dlopen(library.path, RTLD_NOW | RTLD_LOCAL) else {
        return .failure(missing("\(library.path) cannot be opened.", ""))
      }
      let needed = ["dgesdd_", "zgesdd_", "dsyevd_", "zheevd_", "dgeqrf_", "dorgqr_", "zungqr_", "dpotrf_", "dgesv_"]
      guard needed.allSatisfy({ dlsym(handle, $0) != nil }), !library.configuration.contains("USE64BITINT") else {
        return .failure(missing("\(library.path) has no LAPACK of 32-bit integers.", ""))
      }
      if let symbol = dlsym(handle, "openblas_set_num_threads") {
        unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Void).self)(1)
      }
      return .success(LAPACK(handle: handle))
    }
  }()

  private static func missing(_ reason: String, _ remedy: String) -> Diagnostic {
    Diagnostic(
      .missingDependency, "linear algebra needs OpenBLAS. \(reason)",
      remedy: [remedy, "`graft doctor` shows what is found."].filter { !$0.isEmpty }.joined(separator: " "))
  }

  /// The function with this name for the numbers' type.
  private func function<Number: MatrixNumber, Function>(
    _ name: String, _ type: Number.Type, _ signature: Function.Type
  ) throws -> Function {
    guard let symbol = dlsym(handle, "\(Number.letter)\(name)_") else {
      throw NativeError("OpenBLAS has no \(Number.letter)\(name)")
    }
    return unsafeBitCast(symbol, to: signature)
  }

  /// `cblas_dgemm`; nil where there is no library.
  static let multiply: DoubleProduct? = {
    guard case .success(let library) = shared, let symbol = dlsym(library.handle, "cblas_dgemm") else { return nil }
    return unsafeBitCast(symbol, to: DoubleProduct.self)
  }()

  /// Order, transpositions, M, N, K, alpha, A, its leading extent, B, the same, beta, C, the same.
  typealias DoubleProduct =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Double, UnsafePointer<Double>, Int32, UnsafePointer<Double>, Int32,
      Double, UnsafeMutablePointer<Double>, Int32
    ) -> Void
}

/// Integers and letters that are passed by address.
private struct Arguments {
  var n1: Int32 = 0
  var n2: Int32 = 0
  var n3: Int32 = 0
  var lda: Int32 = 1
  var ldb: Int32 = 1
  var ldc: Int32 = 1
  var info: Int32 = 0
  var letter = UInt8(ascii: "L")
  var job = UInt8(ascii: "V")
  var lwork: Int32 = 0
  var liwork: Int32 = 0
  var lrwork: Int32 = 0

  /// - Throws: ``NativeError`` for extents beyond 32 bits.
  init(_ extents: Int...) throws {
    guard extents.allSatisfy({ $0 <= Int(Int32.max) }) else { throw NativeError("a matrix of \(extents) is too large") }
    let numbers = extents.map { Int32($0) } + [0, 0, 0]
    (n1, n2, n3) = (numbers[0], numbers[1], numbers[2])
  }
}

// MARK: - Factorisations

extension LAPACK {
  /// L with a = L @ L^H, by the lower triangle of a.
  func cholesky<Number>(_ a: Matrix<Number>) throws -> Matrix<Number> {
    if a.rows == 0 { return a }
    var (result, arguments) = (a, try Arguments(a.rows))
    arguments.lda = arguments.n1
    let potrf = try function("potrf", Number.self, F6.self)
    result.elements.withUnsafeMutableBytes { a in
      withUnsafeMutablePointer(to: &arguments) { p in
        potrf(p.at(\.letter), p.at(\.n1), a.baseAddress, p.at(\.lda), p.at(\.info), nil)
      }
    }
    guard arguments.info == 0 else {
      throw NativeError("the matrix is not positive definite (its leading minor of order \(arguments.info))")
    }
    return result.triangle(isUpper: false)
  }

  /// The factors of a with exchanged rows, over one another, and with which row each was exchanged, from 1 on.
  func lu<Number>(_ a: Matrix<Number>) throws -> (factors: Matrix<Number>, exchanges: [Int32]) {
    var (result, arguments) = (a, try Arguments(a.rows, a.columns))
    var exchanges = Array(repeating: Int32(0), count: min(a.rows, a.columns))
    if exchanges.isEmpty { return (a, []) }
    arguments.lda = arguments.n1
    let getrf = try function("getrf", Number.self, F6.self)
    result.elements.withUnsafeMutableBytes { a in
      exchanges.withUnsafeMutableBytes { exchanges in
        withUnsafeMutablePointer(to: &arguments) { p in
          getrf(p.at(\.n1), p.at(\.n2), a.baseAddress, p.at(\.lda), exchanges.baseAddress, p.at(\.info))
        }
      }
    }
    return (result, exchanges)
  }

  /// z with a @ z = b.
  /// - Throws: ``NativeError`` for a singular matrix.
  func solve<Number>(_ a: Matrix<Number>, _ b: Matrix<Number>) throws -> Matrix<Number> {
    if b.elements.isEmpty { return b }
    var (factors, result, arguments) = (a, b, try Arguments(a.rows, b.columns))
    var exchanges = Array(repeating: Int32(0), count: a.rows)
    (arguments.lda, arguments.ldb) = (arguments.n1, arguments.n1)
    let gesv = try function("gesv", Number.self, F8.self)
    factors.elements.withUnsafeMutableBytes { a in
      result.elements.withUnsafeMutableBytes { b in
        exchanges.withUnsafeMutableBytes { exchanges in
          withUnsafeMutablePointer(to: &arguments) { p in
            gesv(
              p.at(\.n1), p.at(\.n2), a.baseAddress, p.at(\.lda), exchanges.baseAddress, b.baseAddress, p.at(\.ldb),
              p.at(\.info))
          }
        }
      }
    }
    guard arguments.info == 0 else { throw NativeError("the matrix is singular") }
    return result
  }

  /// Orthonormal q and upper triangular r with a = q @ r; with `isComplete` q is square.
  func qr<Number>(_ a: Matrix<Number>, isComplete: Bool) throws -> (q: Matrix<Number>, r: Matrix<Number>) {
    let inner = min(a.rows, a.columns)
    let width = isComplete ? a.rows : inner
    if inner == 0 { return (Matrix(identity: a.rows).part(a.rows, width), Matrix(width, a.columns)) }
    var factors = a
    var tau = Array(repeating: Number.zero, count: inner)
    var arguments = try Arguments(a.rows, a.columns)
    arguments.lda = arguments.n1
    let geqrf = try function("geqrf", Number.self, F8.self)
    try withWork(Number.self, &arguments) { p, work in
      factors.elements.withUnsafeMutableBytes { a in
        tau.withUnsafeMutableBytes { tau in
          geqrf(
            p.at(\.n1), p.at(\.n2), a.baseAddress, p.at(\.lda), tau.baseAddress, work, p.at(\.lwork), p.at(\.info))
        }
      }
    }
    var q = Matrix<Number>(a.rows, width)
    for column in 0..<min(width, a.columns) { for row in 0..<a.rows { q[row, column] = factors[row, column] } }
    arguments = try Arguments(a.rows, width, inner)
    arguments.lda = arguments.n1
    let name = Number.letter == "d" ? "orgqr" : "ungqr"
    let orgqr = try function(name, Number.self, F9.self)
    try withWork(Number.self, &arguments) { p, work in
      q.elements.withUnsafeMutableBytes { q in
        tau.withUnsafeMutableBytes { tau in
          orgqr(
            p.at(\.n1), p.at(\.n2), p.at(\.n3), q.baseAddress, p.at(\.lda), tau.baseAddress, work, p.at(\.lwork),
            p.at(\.info))
        }
      }
    }
    return (q, factors.part(width, a.columns).triangle(isUpper: true))
  }

  /// Asks for the size of the work space, and then calls with it.
  private func withWork<Number: MatrixNumber>(
    _ type: Number.Type, _ arguments: inout Arguments,
    _ call: (UnsafeMutablePointer<Arguments>, UnsafeMutableRawPointer?) -> Void
  ) throws {
    var question = [Number.zero]
    arguments.lwork = -1
    question.withUnsafeMutableBytes { work in
      withUnsafeMutablePointer(to: &arguments) { call($0, work.baseAddress) }
    }
    var work = Array(repeating: Number.zero, count: max(1, Int(question[0].real)))
    arguments.lwork = Int32(clamping: work.count)
    work.withUnsafeMutableBytes { work in
      withUnsafeMutablePointer(to: &arguments) { call($0, work.baseAddress) }
    }
    guard arguments.info == 0 else { throw NativeError("the decomposition does not converge") }
  }
}

// MARK: - Singular values and eigenvalues

extension LAPACK {
  /// a = u @ diag(s) @ vh; with `isFull` u and vh are square.
  /// - Throws: ``NativeError`` where the algorithm does not converge, as for NaN.
  func svd<Number>(
    _ a: Matrix<Number>, isFull: Bool
  ) throws -> (u: Matrix<Number>, s: [Double], vh: Matrix<Number>) {
    let inner = min(a.rows, a.columns)
    var u = Matrix<Number>(a.rows, isFull ? a.rows : inner)
    var vh = Matrix<Number>(isFull ? a.columns : inner, a.columns)
    if inner == 0 { return (Matrix(identity: a.rows).part(u.rows, u.columns), [], Matrix(identity: vh.rows)) }
    guard a.elements.allSatisfy({ $0.magnitude.isFinite }) else { throw NativeError("a matrix of NaN or infinities") }
    var (copy, s) = (a, Array(repeating: 0.0, count: inner))
    var integers = Array(repeating: Int32(0), count: 8 * inner)
    let outer = max(a.rows, a.columns)
    let isReal = Number.letter == "d"
    var reals = Array(repeating: 0.0, count: isReal ? 1 : inner * max(5 * inner + 7, 2 * outer + 2 * inner + 1))
    var arguments = try Arguments(a.rows, a.columns)
    arguments.job = isFull ? UInt8(ascii: "A") : UInt8(ascii: "S")
    (arguments.lda, arguments.ldb, arguments.ldc) = (arguments.n1, arguments.n1, Int32(clamping: vh.rows))
    let gesdd = try isReal ? function("gesdd", Number.self, F15Once.self) : nil
    let complex = try isReal ? nil : function("gesdd", Number.self, F16.self)
    try withWork(Number.self, &arguments) { p, work in
      copy.elements.withUnsafeMutableBytes { a in
        s.withUnsafeMutableBytes { s in
          u.elements.withUnsafeMutableBytes { u in
            vh.elements.withUnsafeMutableBytes { vh in
              reals.withUnsafeMutableBytes { reals in
                integers.withUnsafeMutableBytes { integers in
                  gesdd?(
                    p.at(\.job), p.at(\.n1), p.at(\.n2), a.baseAddress, p.at(\.lda), s.baseAddress, u.baseAddress,
                    p.at(\.ldb), vh.baseAddress, p.at(\.ldc), work, p.at(\.lwork), integers.baseAddress, p.at(\.info), 1
                  )
                  complex?(
                    p.at(\.job), p.at(\.n1), p.at(\.n2), a.baseAddress, p.at(\.lda), s.baseAddress, u.baseAddress,
                    p.at(\.ldb), vh.baseAddress, p.at(\.ldc), work, p.at(\.lwork), reals.baseAddress,
                    integers.baseAddress, p.at(\.info), 1)
                }
              }
            }
          }
        }
      }
    }
    return (u, s, vh)
  }

  /// The eigenvalues in ascending order, and eigenvectors, by the lower triangle of a Hermitian matrix.
  func eigh<Number>(_ a: Matrix<Number>) throws -> (values: [Double], vectors: Matrix<Number>) {
    let n = a.rows
    if n == 0 { return ([], a) }
    guard a.elements.allSatisfy({ $0.magnitude.isFinite }) else { throw NativeError("a matrix of NaN or infinities") }
    var (vectors, values) = (a, Array(repeating: 0.0, count: n))
    var integers = Array(repeating: Int32(0), count: 3 + 5 * n)
    let isReal = Number.letter == "d"
    var reals = Array(repeating: 0.0, count: isReal ? 1 : 1 + 5 * n + 2 * n * n)
    var arguments = try Arguments(n)
    arguments.lda = arguments.n1
    (arguments.liwork, arguments.lrwork) = (Int32(clamping: integers.count), Int32(clamping: reals.count))
    let syevd = try isReal ? function("syevd", Number.self, F13.self) : nil
    let heevd = try isReal ? nil : function("heevd", Number.self, F15.self)
    try withWork(Number.self, &arguments) { p, work in
      vectors.elements.withUnsafeMutableBytes { a in
        values.withUnsafeMutableBytes { w in
          reals.withUnsafeMutableBytes { reals in
            integers.withUnsafeMutableBytes { integers in
              syevd?(
                p.at(\.job), p.at(\.letter), p.at(\.n1), a.baseAddress, p.at(\.lda), w.baseAddress, work,
                p.at(\.lwork), integers.baseAddress, p.at(\.liwork), p.at(\.info), 1, 1)
              heevd?(
                p.at(\.job), p.at(\.letter), p.at(\.n1), a.baseAddress, p.at(\.lda), w.baseAddress, work,
                p.at(\.lwork), reals.baseAddress, p.at(\.lrwork), integers.baseAddress, p.at(\.liwork), p.at(\.info), 1,
                1)
            }
          }
        }
      }
    }
    return (values, vectors)
  }
}

extension UnsafeMutablePointer<Arguments> {
  /// Where one of the arguments lies.
  fileprivate func at<Value>(_ member: KeyPath<Arguments, Value>) -> UnsafeMutableRawPointer? {
    MemoryLayout<Arguments>.offset(of: member).map { UnsafeMutableRawPointer(self) + $0 }
  }
}
