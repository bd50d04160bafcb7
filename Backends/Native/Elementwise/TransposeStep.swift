/// A copy between two layouts of which each has another axis innermost: planes of these two axes, tile by tile.
struct TransposeStep: Step {
  private let source: View
  private let target: View
  private let moves: ElementMoves
  private let axes: ChainAxes
  /// The axis along which the source's elements lie next to each other; the target's is the last.
  private let inner: Int

  /// Nil where the layouts do not call for it.
  init?(_ source: View, _ target: View, _ kernels: VectorKernels) {
    guard source.dtype == target.dtype, source.count > 0, source.dtype.byteWidth <= 8 else { return nil }
    axes = ChainAxes([source], target)
    let last = axes.extents.count - 1
    guard last > 0, axes.strides[1][last] == 1, axes.strides[0][last] > 1, axes.strides[0].allSatisfy({ $0 > 0 }),
      let inner = axes.strides[0].firstIndex(of: 1), axes.extents[inner] > 1
    else { return nil }
    (self.source, self.target, self.inner) = (source, target, inner)
    moves = kernels.moves(width: source.dtype.byteWidth)
  }

  var name: String { "transpose" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  private var last: Int { axes.extents.count - 1 }
  private var outer: [Int] { axes.extents.indices.filter { $0 != inner && $0 != last } }
  private var planes: Int { outer.reduce(1) { $0 * axes.extents[$1] } }
  /// Columns of the source's plane in one task.
  private var columnsPerTask: Int { max(16, 32_768 / max(axes.extents[last], 1)) }
  private var tasksPerPlane: Int { (axes.extents[inner] + columnsPerTask - 1) / columnsPerTask }
  var taskCount: Int { max(1, planes * tasksPerPlane) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    var (rest, from, to) = (task / tasksPerPlane, 0, 0)
    for axis in outer.reversed() {
      from += rest % axes.extents[axis] * axes.strides[0][axis]
      to += rest % axes.extents[axis] * axes.strides[1][axis]
      rest /= axes.extents[axis]
    }
    let first = task % tasksPerPlane * columnsPerTask
    let count = min(columnsPerTask, axes.extents[inner] - first)
    let width = source.dtype.byteWidth
    moves.transpose(
      frame.raw(target) + (to + first * axes.strides[1][inner]) * width, stride: axes.strides[1][inner],
      frame.raw(source) + (from + first) * width, stride: axes.strides[0][last], rows: axes.extents[last],
      columns: count)
  }
}
