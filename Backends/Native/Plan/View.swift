package import GraftIR

/// Where a value's elements lie: a buffer, an offset and a stride for each axis, all counted in elements.
///
/// Strides may be zero (a repeated axis) or negative (a reversed one). Only views that are written to need be free of
/// repetition.
package struct View: Hashable, Sendable {
  package var buffer: Int
  package var dtype: DType
  package var offset: Int
  package var shape: [Int]
  package var strides: [Int]

  package init(buffer: Int, dtype: DType, offset: Int = 0, shape: [Int], strides: [Int]) {
    self.buffer = buffer
    self.dtype = dtype
    self.offset = offset
    self.shape = shape
    self.strides = strides
  }

  /// The whole of a buffer in row-major order.
  package init(buffer: Int, dtype: DType, rowMajor shape: [Int]) {
    self.init(buffer: buffer, dtype: dtype, shape: shape, strides: Self.rowMajorStrides(shape))
  }

  /// The whole of a buffer, the axes laid out in `order` from the outermost to the innermost.
  package init(buffer: Int, dtype: DType, shape: [Int], order: [Int]) {
    let packed = Self.rowMajorStrides(order.map { shape[$0] })
    var strides = Array(repeating: 0, count: shape.count)
    for (axis, stride) in zip(order, packed) { strides[axis] = stride }
    self.init(buffer: buffer, dtype: dtype, shape: shape, strides: strides)
  }

  package var rank: Int { shape.count }
  package var count: Int { shape.reduce(1, *) }

  /// Whether the elements follow each other in row-major order without gaps.
  package var isRowMajor: Bool {
    if count == 0 { return true }
    var expected = 1
    for axis in shape.indices.reversed() where shape[axis] != 1 {
      guard strides[axis] == expected else { return false }
      expected *= shape[axis]
    }
    return true
  }

  /// Whether every element lies in a buffer of so many bytes.
  package func lies(within byteCount: Int) -> Bool {
    if count == 0 { return true }
    var (first, last) = (offset, offset)
    for (extent, stride) in zip(shape, strides) {
      let (reach, isTooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
      if isTooFar { return false }
      if reach < 0 { first += reach } else { last += reach }
    }
    return first >= 0 && last < byteCount / dtype.byteWidth
  }

  /// The axes from the outermost in memory to the innermost; those of extent 1 and repeated ones stay where they stand
  /// among the others.
  package var order: [Int] {
    let moving = shape.indices.filter { shape[$0] != 1 && strides[$0] != 0 }
    let sorted = moving.sorted { (abs(strides[$0]), $1) > (abs(strides[$1]), $0) }
    var order = Array(shape.indices)
    for (place, axis) in zip(moving, sorted) { order[place] = axis }
    return order
  }

  package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1) }
    return strides
  }
}

// MARK: - Views of views

extension View {
  package func transposed(_ permutation: [Int]) -> View {
    var view = self
    view.shape = permutation.map { shape[$0] }
    view.strides = permutation.map { strides[$0] }
    return view
  }

  /// Repeated along axes of extent 1 and along new leading axes.
  package func broadcast(to target: [Int]) -> View {
    if target == shape { return self }
    let lead = target.count - rank
    var view = self
    view.shape = target
    view.strides = target.indices.map { axis in
      axis < lead || (shape[axis - lead] == 1 && target[axis] != 1) ? 0 : strides[axis - lead]
    }
    return view
  }

  package func sliced(starts: [Int], stops: [Int], steps: [Int]) -> View {
    var view = self
    for axis in shape.indices {
      view.shape[axis] = max(0, (stops[axis] - starts[axis] + steps[axis] - 1) / steps[axis])
      view.offset += starts[axis] * strides[axis]
      view.strides[axis] = strides[axis] * steps[axis]
    }
    if view.count == 0 { view.offset = offset }
    return view
  }

  package func flipped(_ axes: [Int]) -> View {
    var view = self
    if count == 0 { return view }
    for axis in axes {
      view.offset += (shape[axis] - 1) * strides[axis]
      view.strides[axis] = -strides[axis]
    }
    return view
  }

  /// The same elements in row-major order under another shape, if strides can say it.
  package func reshaped(_ target: [Int]) -> View? {
    if target == shape { return self }
    if count == 0 {
      return View(buffer: buffer, dtype: dtype, offset: offset, shape: target, strides: Self.rowMajorStrides(target))
    }
    var (runs, view) = (coalesced[...], self)
    var strides: [Int] = []
    var rest = runs.popFirst() ?? (1, 1)
    for extent in target {
      while rest.extent == 1, extent != 1, let next = runs.popFirst() { rest = next }
      guard rest.extent.isMultiple(of: extent) else { return nil }
      rest.extent /= extent
      strides.append(rest.extent * rest.stride)
    }
    (view.shape, view.strides) = (target, strides)
    return view
  }

  /// Extents and strides with axes joined where one goes on where the next ends; none of extent 1.
  private var coalesced: [(extent: Int, stride: Int)] {
    var runs: [(extent: Int, stride: Int)] = []
    for (extent, stride) in zip(shape, strides) where extent != 1 {
      if let last = runs.last, last.stride == extent * stride {
        runs[runs.count - 1] = (last.extent * extent, stride)
      } else {
        runs.append((extent, stride))
      }
    }
    return runs
  }
}

extension View: CustomStringConvertible {
  /// `%3 f32[2,5]`, with the strides where they are not row-major ones.
  package var description: String {
    let extents = shape.map(String.init).joined(separator: ",")
    let layout = isRowMajor ? "" : "{" + strides.map(String.init).joined(separator: ",") + "}"
    return "%\(buffer) \(dtype.shortName)[\(extents)]\(layout)"
  }
}
