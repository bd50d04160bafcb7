import GraftIR
import NativeKernels

/// The way back through a layer normalisation of the rows of a matrix, in one pass over them.
///
/// Each task adds up the gradients of weight and bias over its own rows; another step adds those of the tasks.
struct LayerNormGradientStep: Step {
  /// [rows, n] both, the elements of a row next to each other.
  let cotangent: View
  let source: View
  let weight: View?
  let epsilon: Double
  /// [rows, n], row-major.
  let target: View
  /// [tasks, n] each, row-major; nil where nobody asks for them.
  let weightSums: View?
  let biasSums: View?
  let kernels: RowKernels

  var name: String { "layer_norm gradient" }
  var reads: [View] { [cotangent, source] + [weight].compactMap { $0 } }
  var writes: [View] { [target] + [weightSums, biasSums].compactMap { $0 } }
  var flops: Int { 16 * source.count }
  var taskCount: Int { Self.taskCount(source.shape) }

  /// Rows of a task: enough that adding up the tasks' sums costs little beside it.
  private static func rowsPerTask(_ length: Int) -> Int { max(16, 16_384 / max(length, 1)) }

  /// The tasks for a matrix [rows, n].
  static func taskCount(_ shape: [Int]) -> Int {
    let rows = rowsPerTask(shape[1])
    return max(1, (shape[0] + rows - 1) / rows)
  }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let (length, width) = (source.shape[1], source.dtype.byteWidth)
    let first = task * Self.rowsPerTask(length)
    let rows = max(0, min(Self.rowsPerTask(length), source.shape[0] - first))
    func start(_ view: View?, _ offset: Int) -> UnsafeMutableRawPointer? {
      view.map { frame.raw($0) + offset * width }
    }
    kernels.table.pointee.layer_norm_gradient(
      frame.raw(target) + first * length * width, start(weightSums, task * length), start(biasSums, task * length),
      frame.raw(cotangent) + first * cotangent.strides[0] * width, cotangent.strides[0],
      frame.raw(source) + first * source.strides[0] * width, source.strides[0], start(weight, 0), epsilon, rows, length)
  }
}
