import GraftFiles
import GraftIR

extension Tensor {
  /// The part at one position of the first axis, which goes away. Negative positions count from the end.
  ///
  /// - Throws: ``Problem`` for a scalar, or a position that does not exist.
  public subscript(index: Int) -> Tensor {
    get throws {
      guard let extent = shape.first, index >= -extent, index < extent else {
        throw Problem(Diagnostic(.invalidInput, "there is no position \(index) in a tensor of shape \(shape)"))
      }
      let position = index < 0 ? index + extent : index
      let rest = Array(shape.dropFirst())
      return try self[position..<position + 1].reshaped(rest)
    }
  }

  /// A range of the first axis.
  ///
  /// - Throws: ``Problem`` when it does not lie within the axis.
  public subscript(range: Range<Int>) -> Tensor {
    get throws { try sliced([range]) }
  }

  /// A range of each of the leading axes; nil is the whole axis.
  ///
  /// - Throws: ``Problem`` when there are more than axes, or one does not lie within its axis.
  public func sliced(_ ranges: [Range<Int>?]) throws -> Tensor {
    guard ranges.count <= rank else {
      throw Problem(Diagnostic(.invalidInput, "\(ranges.count) ranges were given for a tensor of shape \(shape)"))
    }
    let whole = shape.indices.map { axis in (axis < ranges.count ? ranges[axis] : nil) ?? 0..<shape[axis] }
    for (axis, range) in whole.enumerated() where range.lowerBound < 0 || range.upperBound > shape[axis] {
      throw Problem(
        Diagnostic(.invalidInput, "the range \(range) does not lie within axis \(axis) of a tensor of shape \(shape)"))
    }
    return try Tensor(
      Problem.wrap {
        try TensorData(dtype: dtype, shape: whole.map(\.count)) { target in
          data.withUnsafeBytes { source in
            var written = 0
            copy(whole[...], shape[...], source[...], dtype.byteWidth, target, &written)
          }
        }
      })
  }

  /// Copies the ranges of the axes left of `source`, which holds all of them, behind what was written.
  private func copy(
    _ ranges: ArraySlice<Range<Int>>, _ extents: ArraySlice<Int>, _ source: Slice<UnsafeRawBufferPointer>, _ width: Int,
    _ target: UnsafeMutableRawBufferPointer, _ written: inout Int
  ) {
    guard let range = ranges.first else {
      UnsafeMutableRawBufferPointer(rebasing: target[written..<written + source.count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
      written += source.count
      return
    }
    let inner = extents.dropFirst().reduce(width, *)
    if zip(ranges.dropFirst(), extents.dropFirst()).allSatisfy({ $0 == 0..<$1 }) {
      let start = source.startIndex + range.lowerBound * inner
      copy([], [], source[start..<start + range.count * inner], width, target, &written)
      return
    }
    for position in range {
      let start = source.startIndex + position * inner
      copy(ranges.dropFirst(), extents.dropFirst(), source[start..<start + inner], width, target, &written)
    }
  }
}
