import GraftIR

/// Products of matrices of any element type.
struct GeneralProductStep<Element: NativeNumber>: MatrixProduct {
  let x: View
  let y: View
  let target: View

  var name: String { "matmul \(x.dtype.shortName)" }
  private static var rowsPerTask: Int { 8 }
  private var tasksPerMatrix: Int { (rows + Self.rowsPerTask - 1) / Self.rowsPerTask }
  var taskCount: Int { max(1, batch.reduce(1, *) * tasksPerMatrix) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let (position, first) = (task / tasksPerMatrix, task % tasksPerMatrix * Self.rowsPerTask)
    let a = frame.pointer(x, as: Element.self) + x.offset(ofLeading: position, batch)
    let b = frame.pointer(y, as: Element.self) + y.offset(ofLeading: position, batch)
    let c = frame.pointer(target, as: Element.self) + target.offset(ofLeading: position, batch)
    let (aRow, aColumn) = (x.strides[x.rank - 2], x.strides[x.rank - 1])
    let (bRow, bColumn) = (y.strides[y.rank - 2], y.strides[y.rank - 1])
    let (cRow, cColumn) = (target.strides[target.rank - 2], target.strides[target.rank - 1])
    for row in first..<min(first + Self.rowsPerTask, rows) {
      for column in 0..<columns { c[row * cRow + column * cColumn] = .zero }
      for k in 0..<inner {
        let factor = a[row * aRow + k * aColumn]
        for column in 0..<columns {
          let place = row * cRow + column * cColumn
          c[place] = c[place].adding(factor.multiplied(by: b[k * bRow + column * bColumn]))
        }
      }
    }
  }
}
