import GraftIR
import NativeKernels

/// Products of matrices in float32.
struct BatchedProductStep: MatrixProduct {
  let x: View
  let y: View
  /// Row-major.
  let target: View
  let kernels: NativeKernelSet
  private let cut: OutputCut

  init(x: View, y: View, target: View, kernels: NativeKernelSet) {
    self.x = x
    self.y = y
    self.target = target
    self.kernels = kernels
    let (rows, columns, inner) = (x.shape[x.rank - 2], y.shape[y.rank - 1], x.shape[x.rank - 1])
    cut = OutputCut(
      rows: rows, panels: kernels.matmul.panelCount(columns), tileRows: kernels.matmul.tileRows,
      workPerTile: kernels.matmul.tileRows * kernels.matmul.panelWidth * inner, wholeRows: true)
  }

  var name: String { "batched matmul" }
  var taskCount: Int { max(1, batch.reduce(1, *)) * cut.taskCount }
  var scratchBytes: Int { kernels.matmul.scratchBytes }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let (position, part) = (task / cut.taskCount, cut.part(task % cut.taskCount))
    let shape = GraftMatmul(
      k: inner, n: columns, a_row: x.strides[x.rank - 2], a_column: x.strides[x.rank - 1],
      c_row: target.strides[target.rank - 2])
    var epilogue = GraftEpilogue()
    epilogue.alpha = 1
    (epilogue.low, epilogue.high) = (-.infinity, .infinity)
    kernels.matmul.multiply(
      shape, frame.pointer(x) + x.offset(ofLeading: position, batch),
      frame.pointer(y) + y.offset(ofLeading: position, batch),
      strides: (y.strides[y.rank - 2], y.strides[y.rank - 1]),
      into: frame.pointer(target) + target.offset(ofLeading: position, batch), part, epilogue,
      scratch: frame.scratch)
  }
}
