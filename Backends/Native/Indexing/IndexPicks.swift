import GraftIR

/// The places of a tensor that integer tensors name: NumPy's advanced indexing.
struct IndexPicks: Sendable {
  /// The tensor's axes that are indexed, with their indices of int64, broadcast to one shape.
  let axes: [(axis: Int, indices: View)]
  /// The indexed tensor.
  let source: View

  /// The shape of the indices.
  var shape: [Int] { axes.first?.indices.shape ?? [] }
  var count: Int { shape.reduce(1, *) }
  /// The axes that are not indexed.
  var rest: [Int] { source.shape.indices.filter { axis in !axes.contains { $0.axis == axis } } }

  /// What one position of the indices names, as a view from its first element on.
  var row: View {
    View(
      buffer: source.buffer, dtype: source.dtype, shape: rest.map { source.shape[$0] },
      strides: rest.map { source.strides[$0] })
  }

  /// What belongs to one position of the indices in a view that has their axes first.
  func row(of other: View) -> View {
    View(
      buffer: other.buffer, dtype: other.dtype, shape: row.shape, strides: Array(other.strides.dropFirst(shape.count)))
  }

  /// The distance in elements of the `position`-th place from the tensor's start.
  /// - Throws: ``NativeError`` for an index outside of its axis.
  func offset(of position: Int, in frame: borrowing TaskFrame) throws -> Int {
    var offset = 0
    for (axis, indices) in axes {
      let index = Int(frame.pointer(indices, as: Int64.self)[indices.offset(ofLeading: position, shape)])
      let extent = source.shape[axis]
      guard index >= -extent, index < extent else {
        throw NativeError("index \(index) is out of bounds for an axis of extent \(extent)")
      }
      offset += (index < 0 ? index + extent : index) * source.strides[axis]
    }
    return offset
  }
}

/// Copies elements between two stretches of memory under the same extents.
struct ElementCopy: Sendable {
  private let extents: [Int]
  private let from: [Int]
  private let to: [Int]
  /// Bytes that lie together on both sides.
  private let run: Int

  /// - Parameters:
  ///   - from, to: strides in elements of `width` bytes.
  init(_ extents: [Int], from: [Int], to: [Int], width: Int) {
    var run = width
    var axes = extents.indices.filter { extents[$0] != 1 }
    while let axis = axes.last, from[axis] * width == run, to[axis] * width == run {
      run *= extents[axis]
      axes.removeLast()
    }
    self.extents = axes.map { extents[$0] }
    self.from = axes.map { from[$0] * width }
    self.to = axes.map { to[$0] * width }
    self.run = run
  }

  func callAsFunction(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    copy(source, target, 0)
  }

  private func copy(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ axis: Int) {
    if axis == extents.count {
      target.copyMemory(from: source, byteCount: run)
      return
    }
    for index in 0..<extents[axis] { copy(source + index * from[axis], target + index * to[axis], axis + 1) }
  }
}
