import GraftIR

/// What a reduction makes of many elements.
enum ReductionKind: String, Sendable {
  case sum, prod, max, min
}

/// A reduction of any element type over any axes; float32 sums are taken in float64.
struct ReduceStep<Element: NativeNumber, Accumulator: NativeNumber>: Step {
  let kind: ReductionKind
  /// The axes that stay, then those that go.
  let source: View
  /// The axes that stay.
  let target: View
  let widen: @Sendable (Element) -> Accumulator
  let narrow: @Sendable (Accumulator) -> Element

  var name: String { "\(kind.rawValue) \(source.dtype.shortName)" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  var flops: Int { source.count }
  private static var grain: Int { 16_384 }
  private var reducedCount: Int { source.shape.dropFirst(target.rank).reduce(1, *) }
  private var resultsPerTask: Int { max(1, Self.grain / max(reducedCount, 1)) }
  var taskCount: Int { max(1, (target.count + resultsPerTask - 1) / resultsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * resultsPerTask
    let elements = frame.pointer(source, as: Element.self)
    let results = frame.pointer(target, as: Element.self)
    let reduced = Array(source.shape.dropFirst(target.rank))
    let strides = Array(source.strides.dropFirst(target.rank))
    for result in first..<min(first + resultsPerTask, target.count) {
      let start = elements + source.offset(ofLeading: result, target.shape)
      let place = target.offset(ofLeading: result, target.shape)
      results[place] = narrow(reduce(start, reduced[...], strides[...], nil) ?? identity)
    }
  }

  private func reduce(
    _ start: UnsafePointer<Element>, _ extents: ArraySlice<Int>, _ strides: ArraySlice<Int>, _ initial: Accumulator?
  ) -> Accumulator? {
    guard let extent = extents.first, let stride = strides.first else {
      return combine(initial, widen(start.pointee))
    }
    var total = initial
    if extents.count == 1 {
      for index in 0..<extent { total = combine(total, widen(start[index * stride])) }
    } else {
      for index in 0..<extent {
        total = reduce(start + index * stride, extents.dropFirst(), strides.dropFirst(), total)
      }
    }
    return total
  }

  private var identity: Accumulator { kind == .prod ? .one : .zero }

  private func combine(_ total: Accumulator?, _ element: Accumulator) -> Accumulator {
    guard let total else { return element }
    switch kind {
    case .sum: return total.adding(element)
    case .prod: return total.multiplied(by: element)
    case .max: return element.follows(total) ? element : total
    case .min: return element < total || element != element ? element : total
    }
  }
}

/// The position of the first largest or smallest element along the last axis of the source.
struct PositionStep<Element: NativeNumber>: Step {
  let isMaximum: Bool
  let source: View
  /// Of int64, without the source's last axis.
  let target: View

  var name: String { isMaximum ? "argmax" : "argmin" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  private var rowsPerTask: Int { max(1, 16_384 / max(source.shape[source.rank - 1], 1)) }
  var taskCount: Int { max(1, (target.count + rowsPerTask - 1) / rowsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * rowsPerTask
    let (extent, stride) = (source.shape[source.rank - 1], source.strides[source.rank - 1])
    let elements = frame.pointer(source, as: Element.self)
    let results = frame.pointer(target, as: Int64.self)
    for row in first..<min(first + rowsPerTask, target.count) {
      let start = elements + source.offset(ofLeading: row, target.shape)
      var best = 0
      for index in 1..<max(extent, 1) where precedes(start[index * stride], start[best * stride]) { best = index }
      results[target.offset(ofLeading: row, target.shape)] = Int64(best)
    }
  }

  /// NaN is both the largest and the smallest.
  private func precedes(_ a: Element, _ b: Element) -> Bool {
    if b != b { return false }
    if a != a { return true }
    return isMaximum ? a > b : a < b
  }
}
