/// A number that matrices are computed with.
protocol MatrixNumber: NativeNumber {
  /// The letter that LAPACK's functions of this type begin with.
  static var letter: String { get }
  init(_ real: Double)
  var real: Double { get }
  var conjugate: Self { get }
  var magnitude: Double { get }
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
}

extension Double: MatrixNumber {
  static var letter: String { "d" }
  var real: Double { self }
  var conjugate: Double { self }
}

extension ComplexNumber: MatrixNumber where Part == Double {
  static var letter: String { "z" }
  init(_ real: Double) { self.init(real, 0) }
}

/// A matrix with the elements of a column next to each other.
struct Matrix<Number: MatrixNumber>: Sendable {
  let rows: Int
  let columns: Int
  var elements: [Number]

  init(_ rows: Int, _ columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    elements = Array(repeating: .zero, count: rows * columns)
  }

  init(identity count: Int) {
    self.init(count, count)
    for index in 0..<count { self[index, index] = .one }
  }

  /// A row or a column of numbers.
  init(column numbers: [Number]) {
    (rows, columns, elements) = (numbers.count, 1, numbers)
  }

  subscript(row: Int, column: Int) -> Number {
    get { elements[column * rows + row] }
    set { elements[column * rows + row] = newValue }
  }

  func map(_ change: (Number) -> Number) -> Matrix {
    var result = self
    for index in result.elements.indices { result.elements[index] = change(elements[index]) }
    return result
  }

  /// The first rows and columns.
  func part(_ rows: Int, _ columns: Int) -> Matrix {
    var result = Matrix(rows, columns)
    for column in 0..<columns { for row in 0..<rows { result[row, column] = self[row, column] } }
    return result
  }

  /// What is on the diagonal and below it, or above it.
  func triangle(isUpper: Bool) -> Matrix {
    var result = self
    for column in 0..<columns {
      for row in 0..<rows where isUpper ? row > column : row < column { result[row, column] = .zero }
    }
    return result
  }

  var conjugateTransposed: Matrix {
    var result = Matrix(columns, rows)
    for column in 0..<columns { for row in 0..<rows { result[column, row] = self[row, column].conjugate } }
    return result
  }

  static func * (a: Matrix, b: Matrix) -> Matrix {
    var result = Matrix(a.rows, b.columns)
    for column in 0..<b.columns {
      for k in 0..<a.columns {
        let factor = b[k, column]
        for row in 0..<a.rows { result[row, column] = result[row, column] + a[row, k] * factor }
      }
    }
    return result
  }

  static func + (a: Matrix, b: Matrix) -> Matrix {
    var result = a
    for index in result.elements.indices { result.elements[index] = a.elements[index] + b.elements[index] }
    return result
  }

  /// The largest sum of magnitudes of a column.
  var norm: Double {
    (0..<columns).reduce(0) { largest, column in
      let sum = (0..<rows).reduce(0) { $0 + self[$1, column].magnitude }
      return sum > largest || sum.isNaN ? sum : largest
    }
  }
}
