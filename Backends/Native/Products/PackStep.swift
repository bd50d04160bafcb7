import GraftIR

/// Packs a matrix [K, N] for products with it.
struct PackStep: Step {
  let matrix: View
  let packed: View
  let kernels: MatmulKernels

  var name: String { "pack" }
  var reads: [View] { [matrix] }
  var writes: [View] { [packed] }

  private var panels: Int { kernels.panelCount(matrix.shape[1]) }
  /// Some 32,000 elements.
  private var panelsPerTask: Int { max(1, 32_768 / max(1, matrix.shape[0] * kernels.panelWidth)) }
  var taskCount: Int { max(1, (panels + panelsPerTask - 1) / panelsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * panelsPerTask
    kernels.pack(
      frame.pointer(matrix), strides: (matrix.strides[0], matrix.strides[1]), k: matrix.shape[0],
      n: matrix.shape[1], panels: first..<min(first + panelsPerTask, panels), into: frame.pointer(packed))
  }
}
