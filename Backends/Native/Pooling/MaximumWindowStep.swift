import GraftIR

/// The elements of a window along one axis: `count` places from `first` on, `step` apart.
struct WindowSpan: Sendable {
  var first: Int
  var step: Int
  var count: Int
}

/// Where the windows of a pooling lie.
enum WindowPlaces: Sendable {
  /// The span of each output along each axis, the same for all channels.
  case fixed([[WindowSpan]])
  /// Windows of extents `kernel` at distances that the samples [..., axes] of each channel determine (Graham, 2014).
  case fractional(kernel: [Int], samples: View)
}

/// The maximum of each window of x [..., spatial...] and its row-major place among the spatial axes: the first of
/// several, and the first NaN where there is one.
struct MaximumWindowStep<Element: NativeNumber>: Step {
  let windows: WindowPlaces
  let source: View
  /// [..., outputs...]
  let values: View
  /// The same, of int64.
  let indices: View
  /// The number of spatial axes.
  let spatial: Int

  var name: String { "max pool with indices" }
  var reads: [View] {
    if case .fractional(_, let samples) = windows { [source, samples] } else { [source] }
  }
  var writes: [View] { [values, indices] }
  private var leading: [Int] { Array(source.shape.dropLast(spatial)) }
  private var outputs: [Int] { Array(values.shape.suffix(spatial)) }
  var taskCount: Int { max(1, leading.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard values.count > 0 else { return }
    let spans = try spans(task, frame)
    let elements = frame.pointer(source, as: Element.self) + source.offset(ofLeading: task, leading)
    let found = frame.pointer(values, as: Element.self) + values.offset(ofLeading: task, leading)
    let places = frame.pointer(indices, as: Int64.self) + indices.offset(ofLeading: task, leading)
    let (valueStrides, indexStrides) = (Array(values.strides.suffix(spatial)), Array(indices.strides.suffix(spatial)))
    for output in 0..<outputs.reduce(1, *) {
      var (rest, value, index) = (output, 0, 0)
      var window: [WindowSpan] = spans.map { $0[0] }
      for axis in (0..<spatial).reversed() {
        let position = rest % outputs[axis]
        rest /= outputs[axis]
        window[axis] = spans[axis][position]
        value += position * valueStrides[axis]
        index += position * indexStrides[axis]
      }
      let best = maximum(elements, window)
      found[value] = best.element
      places[index] = Int64(best.place)
    }
  }

  private func maximum(_ elements: UnsafePointer<Element>, _ window: [WindowSpan]) -> (element: Element, place: Int) {
    let extents = source.shape.suffix(spatial), strides = source.strides.suffix(spatial)
    var best: (element: Element, place: Int)?
    func visit(_ axis: Int, _ offset: Int, _ place: Int) {
      if axis == spatial {
        let element = elements[offset]
        if best.map({ element.follows($0.element) }) ?? true { best = (element, place) }
        return
      }
      let span = window[axis]
      for step in 0..<span.count {
        let position = span.first + step * span.step
        visit(
          axis + 1, offset + position * strides[strides.startIndex + axis],
          place * extents[extents.startIndex + axis] + position)
      }
    }
    visit(0, 0, 0)
    return best ?? (.zero, 0)
  }

  private func spans(_ task: Int, _ frame: borrowing TaskFrame) throws -> [[WindowSpan]] {
    switch windows {
    case .fixed(let spans): return spans
    case .fractional(let kernel, let samples):
      let start = frame.pointer(samples, as: Double.self) + samples.offset(ofLeading: task, leading)
      return try (0..<spatial).map { axis in
        let sample = start[axis * samples.strides[samples.rank - 1]]
        guard (0...1).contains(sample) else { throw NativeError("the sample \(sample) is not between 0 and 1") }
        return fractional(sample, source.shape[source.rank - spatial + axis], kernel[axis], outputs[axis])
      }
    }
  }

  private func fractional(_ sample: Double, _ extent: Int, _ width: Int, _ count: Int) -> [WindowSpan] {
    let distance = Double(extent - width) / Double(max(count - 1, 1))
    return (0..<count).map { index in
      let start = Int(((Double(index) + sample) * distance).rounded(.down) - (sample * distance).rounded(.down))
      let first = index == count - 1 ? extent - width : min(start, extent - width)
      return WindowSpan(first: first, step: 1, count: width)
    }
  }
}

/// Writes the elements of x [..., inputs...] to their places in [..., spatial...], which holds zeros.
struct UnpoolStep<Element: NativeNumber>: Step {
  let source: View
  /// Of int64, as the source.
  let indices: View
  let target: View
  let spatial: Int
  /// Whether elements of one place are added, instead of the last one counting.
  let adds: Bool

  var name: String { "max unpool" }
  var reads: [View] { [source, indices, target] }
  var writes: [View] { [target] }
  private var leading: [Int] { Array(source.shape.dropLast(spatial)) }
  var taskCount: Int { max(1, leading.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard source.count > 0 else { return }
    let elements = frame.pointer(source, as: Element.self) + source.offset(ofLeading: task, leading)
    let places = frame.pointer(indices, as: Int64.self) + indices.offset(ofLeading: task, leading)
    let results = frame.pointer(target, as: Element.self) + target.offset(ofLeading: task, leading)
    let (inner, outer) = (Array(source.shape.suffix(spatial)), Array(target.shape.suffix(spatial)))
    let from = tail(source), at = tail(indices), to = tail(target)
    let extent = outer.reduce(1, *)
    for position in 0..<inner.reduce(1, *) {
      let place = Int(places[at.offset(ofLeading: position, inner)])
      guard place >= 0, place < extent else {
        throw NativeError("position \(place) is outside of \(outer), which max_unpool writes to")
      }
      let element = elements[from.offset(ofLeading: position, inner)]
      let result = results + to.offset(ofLeading: place, outer)
      result.pointee = adds ? result.pointee.adding(element) : element
    }
  }

  private func tail(_ view: View) -> View {
    View(
      buffer: view.buffer, dtype: view.dtype, shape: Array(view.shape.suffix(spatial)),
      strides: Array(view.strides.suffix(spatial)))
  }
}
