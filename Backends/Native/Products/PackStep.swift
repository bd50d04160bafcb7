import GraftIR

/// Packs a matrix [K, N] for products with it.
struct PackStep: Step {
  let matrix: View
  let packed: View
  let kernels: MatmulKernels

  var name: String { "pack" }
  var reads: [View] { [matrix] }
  var writes: [View] { [packed] }

  private static let panelsPerTask = 4
  private var panels: Int { kernels.panelCount(matrix.shape[1]) }
  var taskCount: Int { max(1, (panels + Self.panelsPerTask - 1) / Self.panelsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * Self.panelsPerTask
    kernels.pack(
      frame.pointer(matrix), strides: (matrix.strides[0], matrix.strides[1]), k: matrix.shape[0],
      n: matrix.shape[1], panels: first..<min(first + Self.panelsPerTask, panels), into: frame.pointer(packed))
  }
}
