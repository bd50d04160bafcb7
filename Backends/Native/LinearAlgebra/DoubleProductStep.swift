import GraftIR

/// Products of matrices of float64 by OpenBLAS.
struct DoubleProductStep: MatrixProduct {
  let x: View
  let y: View
  /// Row-major.
  let target: View
  let multiply: LAPACK.DoubleProduct

  /// Nil for products that the library does not take: neither rows nor columns without gaps, or next to no work.
  init?(_ x: View, _ y: View, _ target: View) {
    let work = x.shape.suffix(2).reduce(1, *) * y.shape[y.rank - 1]
    guard work >= 1024, target.count > 0, Self.isTransposed(x) != nil, Self.isTransposed(y) != nil,
      (x.shape + y.shape + x.strides.suffix(2) + y.strides.suffix(2)).allSatisfy({ $0 <= Int(Int32.max) }),
      let multiply = LAPACK.multiply
    else { return nil }
    (self.x, self.y, self.target, self.multiply) = (x, y, target, multiply)
  }

  var name: String { "matmul f64 (BLAS)" }
  private var rowsPerTask: Int { max(48, 1_000_000 / max(inner * columns, 1)).roundedUp(to: 48) }
  private var tasksPerMatrix: Int { (rows + rowsPerTask - 1) / rowsPerTask }
  var taskCount: Int { max(1, batch.reduce(1, *) * tasksPerMatrix) }

  /// Whether the columns lie without gaps instead of the rows; nil where neither does.
  private static func isTransposed(_ view: View) -> Bool? {
    let (row, column) = (view.strides[view.rank - 2], view.strides[view.rank - 1])
    let (rows, columns) = (view.shape[view.rank - 2], view.shape[view.rank - 1])
    if column == 1 || columns == 1, row >= columns { return false }
    return row == 1 && column >= rows ? true : nil
  }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let (position, first) = (task / tasksPerMatrix, task % tasksPerMatrix * rowsPerTask)
    let a = frame.pointer(x, as: Double.self) + x.offset(ofLeading: position, batch) + first * x.strides[x.rank - 2]
    let b = frame.pointer(y, as: Double.self) + y.offset(ofLeading: position, batch)
    let c = frame.pointer(target, as: Double.self) + target.offset(ofLeading: position, batch) + first * columns
    let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
    func leading(_ view: View) -> (Int32, Int32) {
      Self.isTransposed(view) == true
        ? (transposed, Int32(view.strides[view.rank - 1])) : (plain, Int32(view.strides[view.rank - 2]))
    }
    let ((formA, lda), (formB, ldb)) = (leading(x), leading(y))
    multiply(
      rowMajor, formA, formB, Int32(min(rowsPerTask, rows - first)), Int32(columns), Int32(inner), 1, a, lda, b, ldb, 0,
      c, Int32(columns))
  }
}
