import GraftIR
import NativeKernels

/// What a kernel over rows computes.
enum RowOperation: Sendable {
  case softmax
  case logSoftmax
  case layerNorm(weight: View?, bias: View?, epsilon: Double)
  case rmsNorm(weight: View?, epsilon: Double)

  fileprivate var name: String {
    switch self {
    case .softmax: "softmax"
    case .logSoftmax: "log_softmax"
    case .layerNorm: "layer_norm"
    case .rmsNorm: "rms_norm"
    }
  }

  fileprivate var operands: [View] {
    switch self {
    case .softmax, .logSoftmax: []
    case .layerNorm(let weight, let bias, _): [weight, bias].compactMap { $0 }
    case .rmsNorm(let weight, _): [weight].compactMap { $0 }
    }
  }
}

/// A softmax or normalisation of each row of a matrix, in one pass.
struct RowStep: Step {
  let operation: RowOperation
  /// [rows, n], the elements of a row next to each other.
  let source: View
  /// [rows, n], row-major.
  let target: View
  let kernels: RowKernels

  var name: String { operation.name }
  var reads: [View] { [source] + operation.operands }
  var writes: [View] { [target] }
  var flops: Int { 8 * source.count }
  private var length: Int { source.shape[1] }
  private var rowsPerTask: Int { max(1, 16_384 / max(length, 1)) }
  var taskCount: Int { max(1, (source.shape[0] + rowsPerTask - 1) / rowsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * rowsPerTask
    let rows = min(rowsPerTask, source.shape[0] - first)
    guard rows > 0 else { return }
    let width = source.dtype.byteWidth
    let x = frame.raw(source) + first * source.strides[0] * width
    let y = frame.raw(target) + first * length * width
    let (from, table) = (source.strides[0], kernels.table.pointee)
    switch operation {
    case .softmax: table.softmax(y, length, x, from, rows, length)
    case .logSoftmax: table.log_softmax(y, length, x, from, rows, length)
    case .layerNorm(let weight, let bias, let epsilon):
      let weight = weight.map { UnsafeRawPointer(frame.raw($0)) }
      let bias = bias.map { UnsafeRawPointer(frame.raw($0)) }
      table.layer_norm(y, length, x, from, weight, bias, epsilon, rows, length)
    case .rmsNorm(let weight, let epsilon):
      let weight = weight.map { UnsafeRawPointer(frame.raw($0)) }
      table.rms_norm(y, length, x, from, weight, epsilon, rows, length)
    }
  }
}
