import GraftIR

/// Convolutions of float64 with up to three spatial axes: the windows of some pixels are written side by side as a matrix,
/// which OpenBLAS multiplies with the filters.
struct DoubleConvolutionStep: Step {
  /// [N, C, ...] in any layout.
  let x: View
  /// [O, C / groups, ...], row-major.
  let weight: View
  /// [N, O, ...], row-major.
  let target: View
  private let shape: ConvolutionShape
  private let windows: WindowMatrix
  private let multiply: LAPACK.DoubleProduct

  /// Nil for what the library does not take, or where there is none.
  init?(_ x: View, _ weight: View, _ target: View, _ shape: ConvolutionShape) {
    guard 3...5 ~= x.rank, target.count > 0, let multiply = LAPACK.multiply,
      [weight.shape.dropFirst().reduce(1, *), weight.shape[0], target.count].allSatisfy({ $0 <= Int(Int32.max) })
    else { return nil }
    (self.x, self.weight, self.target, self.shape, self.multiply) = (x, weight, target, shape, multiply)
    windows = WindowMatrix(x, weight.shape, target.shape, shape)
  }

  var name: String { "conv f64 (BLAS)" }
  var reads: [View] { [x, weight] }
  var writes: [View] { [target] }
  var flops: Int { 2 * target.count * inner }
  var taskCount: Int { shape.groups * tasksPerGroup }
  var scratchBytes: Int { 8 * pixelsPerTask * (tapsPerPass + filters) }

  /// Of one filter.
  private var inner: Int { weight.shape.dropFirst().reduce(1, *) }
  /// Of one group.
  private var filters: Int { weight.shape[0] / shape.groups }
  private var pixelsPerImage: Int { target.shape.dropFirst(2).reduce(1, *) }
  private var pixels: Int { target.shape[0] * pixelsPerImage }
  private var tapsPerPass: Int { min(inner, 8_192) }
  /// As many as give some tasks, and windows that stay in the second-level cache.
  private var pixelsPerTask: Int { min(512, 100_000 / tapsPerPass, ((pixels + 3) / 4).roundedUp(to: 8)) }
  private var tasksPerGroup: Int { (pixels + pixelsPerTask - 1) / pixelsPerTask }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let (group, first) = (task / tasksPerGroup, task % tasksPerGroup * pixelsPerTask)
    let range = first..<min(first + pixelsPerTask, pixels)
    let matrix = frame.scratch.assumingMemoryBound(to: Double.self)
    let results = matrix + pixelsPerTask * tapsPerPass
    let input = frame.pointer(x, as: Double.self) + group * weight.shape[1] * x.strides[1]
    let rows = frame.pointer(weight, as: Double.self) + group * filters * inner

    let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
    for tap in stride(from: 0, to: inner, by: tapsPerPass) {
      let taps = tap..<min(tap + tapsPerPass, inner)
      windows.write(range, taps, from: input, to: matrix)
      let (form, leading) = windows.hasRowsOfPixels ? (plain, range.count) : (transposed, taps.count)
      multiply(
        rowMajor, plain, form, Int32(filters), Int32(range.count), Int32(taps.count), 1, rows + tap, Int32(inner),
        matrix, Int32(leading), tap == 0 ? 0 : 1, results, Int32(range.count))
    }
    store(results, range, group, frame.pointer(target))
  }

  /// Copies results [filters, pixels of the range] to where they belong.
  private func store(
    _ results: UnsafePointer<Double>, _ range: Range<Int>, _ group: Int, _ output: UnsafeMutablePointer<Double>
  ) {
    var first = range.lowerBound
    while first < range.upperBound {
      let (image, pixel) = (first / pixelsPerImage, first % pixelsPerImage)
      let count = min(range.upperBound - first, pixelsPerImage - pixel)
      for filter in 0..<filters {
        let channel = image * target.shape[1] + group * filters + filter
        (output + channel * pixelsPerImage + pixel).update(
          from: results + filter * range.count + first - range.lowerBound, count: count)
      }
      first += count
    }
  }
}

/// The elements that a convolution's windows contain, as a matrix of taps by pixels or of pixels by taps, whichever has the
/// longer runs of elements that are neighbours in x.
private struct WindowMatrix: Sendable {
  let hasRowsOfPixels: Bool
  private let taps: Side
  private let pixels: Side
  private let extents: SIMD3<Int>
  private let strides: SIMD3<Int>
  private let low: SIMD3<Int>

  /// Places of x by number, in row-major order of a leading axis and three spatial ones.
  private struct Side: Sendable {
    /// Elements of x from one position of the leading axis to the next.
    let lead: Int
    let extents: SIMD3<Int>
    /// Pixels of x from one position of a spatial axis to the next.
    let steps: SIMD3<Int>

    func place(_ number: Int) -> (lead: Int, place: SIMD3<Int>) {
      let (rest, c) = number.quotientAndRemainder(dividingBy: extents[2])
      let (outer, b) = rest.quotientAndRemainder(dividingBy: extents[1])
      let (position, a) = outer.quotientAndRemainder(dividingBy: extents[0])
      return (position * lead, SIMD3(a, b, c) &* steps)
    }
  }

  init(_ x: View, _ weight: [Int], _ target: [Int], _ shape: ConvolutionShape) {
    func three(_ values: some Collection<Int>, _ missing: Int) -> SIMD3<Int> {
      SIMD3(Array(repeating: missing, count: 3 - values.count) + Array(values))
    }
    taps = Side(lead: x.strides[1], extents: three(weight.dropFirst(2), 1), steps: three(shape.dilation, 1))
    pixels = Side(lead: x.strides[0], extents: three(target.dropFirst(2), 1), steps: three(shape.stride, 1))
    extents = three(x.shape.dropFirst(2), 1)
    strides = three(x.strides.dropFirst(2), 0)
    low = three(shape.low, 0)
    hasRowsOfPixels = pixels.extents[2] >= taps.extents[2]
  }

  /// Writes some taps of the windows of some pixels, of which x at `start` is the first channel.
  func write(
    _ range: Range<Int>, _ taps: Range<Int>, from start: UnsafePointer<Double>, to matrix: UnsafeMutablePointer<Double>
  ) {
    if hasRowsOfPixels {
      write(self.taps, taps, pixels, range, from: start, to: matrix)
    } else {
      write(pixels, range, self.taps, taps, from: start, to: matrix)
    }
  }

  private func write(
    _ side: Side, _ rows: Range<Int>, _ other: Side, _ columns: Range<Int>, from start: UnsafePointer<Double>,
    to matrix: UnsafeMutablePointer<Double>
  ) {
    var output = matrix
    for row in rows {
      let (lead, place) = side.place(row)
      var column = columns.lowerBound
      while column < columns.upperBound {
        let count = min(columns.upperBound - column, other.extents[2] - column % other.extents[2])
        let (otherLead, otherPlace) = other.place(column)
        writeRun(
          start + lead + otherLead, place &+ otherPlace &- low, step: other.steps[2],
          UnsafeMutableBufferPointer(start: output, count: count))
        output += count
        column += count
      }
    }
  }

  /// Writes elements from a place on, `step` apart along the last axis; zeros in the padding.
  private func writeRun(
    _ start: UnsafePointer<Double>, _ place: SIMD3<Int>, step: Int, _ run: UnsafeMutableBufferPointer<Double>
  ) {
    let isInside = (0..<2).allSatisfy { 0..<extents[$0] ~= place[$0] }
    // The first element at or behind the start of the axis, and the first behind its end.
    func reaching(_ limit: Int) -> Int { min(run.count, max(0, (limit - place[2] + step - 1) / step)) }
    let inside = isInside ? reaching(0)..<max(reaching(0), reaching(extents[2])) : 0..<0
    let source = start + (place[0] * strides[0] + place[1] * strides[1])
    run[..<inside.lowerBound].update(repeating: 0)
    for index in inside { run[index] = source[(place[2] + index * step) * strides[2]] }
    run[inside.upperBound...].update(repeating: 0)
  }
}
