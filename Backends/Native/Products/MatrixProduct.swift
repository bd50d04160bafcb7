import GraftIR

/// Products of matrices, one for each position of the leading axes.
protocol MatrixProduct: Step {
  /// [..., M, K]
  var x: View { get }
  /// [..., K, N]
  var y: View { get }
  /// [..., M, N]
  var target: View { get }
}

extension MatrixProduct {
  package var reads: [View] { [x, y] }
  package var writes: [View] { [target] }
  package var flops: Int { 2 * target.count * inner }

  /// K
  var inner: Int { x.shape[x.rank - 1] }
  /// M
  var rows: Int { x.shape[x.rank - 2] }
  /// N
  var columns: Int { y.shape[y.rank - 1] }
  /// The extents of the leading axes.
  var batch: [Int] { Array(target.shape.dropLast(2)) }
}

extension View {
  /// The distance of the `position`-th place, in row-major order, of the leading axes of extents `batch`.
  func offset(ofLeading position: Int, _ batch: [Int]) -> Int {
    var (rest, offset) = (position, 0)
    for axis in batch.indices.reversed() {
      offset += rest % batch[axis] * strides[axis]
      rest /= batch[axis]
    }
    return offset
  }
}
