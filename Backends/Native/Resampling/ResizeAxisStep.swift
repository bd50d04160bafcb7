import GraftIR

/// Makes the elements along one axis anew, as weighted sums of others.
struct ResizeAxisStep<Element: BinaryFloatingPoint & Sendable>: Step {
  let samples: AxisSamples
  /// As [outer, extent, inner] without gaps.
  let source: View
  /// As [outer, count, inner] without gaps.
  let target: View

  var name: String { "resize" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  var flops: Int { 2 * target.count * samples.taps }
  private var inner: Int { target.shape[2] }
  private var rows: Int { target.shape[0] * target.shape[1] }
  private var rowsPerTask: Int { max(1, 16_384 / max(inner * samples.taps, 1)) }
  var taskCount: Int { max(1, (rows + rowsPerTask - 1) / rowsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let elements = frame.pointer(source, as: Element.self)
    let results = frame.pointer(target, as: Element.self)
    let first = task * rowsPerTask
    for row in first..<min(first + rowsPerTask, rows) {
      let (outer, index) = (row / samples.count, row % samples.count)
      let block = elements + outer * source.shape[1] * inner
      let result = results + row * inner
      for tap in 0..<samples.taps {
        let weight = Element(samples.weights[index * samples.taps + tap])
        let line = block + samples.places[index * samples.taps + tap] * inner
        if tap == 0 {
          for column in 0..<inner { result[column] = line[column] * weight }
        } else if weight != 0 {
          for column in 0..<inner { result[column] += line[column] * weight }
        }
      }
    }
  }
}

/// Takes some of the elements along one axis.
struct TakeAxisStep: Step {
  let places: [Int]
  /// As [outer, extent, inner] without gaps.
  let source: View
  /// As [outer, count, inner] without gaps.
  let target: View

  var name: String { "resize nearest" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  private var blocksPerTask: Int { max(1, 32_768 / max(target.shape[1] * target.shape[2], 1)) }
  var taskCount: Int { max(1, (target.shape[0] + blocksPerTask - 1) / blocksPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    switch target.shape[2] * target.dtype.byteWidth {
    case 1: take(task, UInt8.self, frame)
    case 2: take(task, UInt16.self, frame)
    case 4: take(task, UInt32.self, frame)
    case 8: take(task, UInt64.self, frame)
    case let bytes: copy(task, bytes, frame)
    }
  }

  private func blocks(_ task: Int) -> Range<Int> {
    let first = task * blocksPerTask
    return first..<min(first + blocksPerTask, target.shape[0])
  }

  private func take<Word: BitwiseCopyable>(_ task: Int, _ type: Word.Type, _ frame: borrowing TaskFrame) {
    let from = frame.raw(source).assumingMemoryBound(to: Word.self)
    let to = frame.raw(target).assumingMemoryBound(to: Word.self)
    for block in blocks(task) {
      for (index, place) in places.enumerated() {
        to[block * places.count + index] = from[block * source.shape[1] + place]
      }
    }
  }

  private func copy(_ task: Int, _ bytes: Int, _ frame: borrowing TaskFrame) {
    guard bytes > 0 else { return }
    for block in blocks(task) {
      for (index, place) in places.enumerated() {
        (frame.raw(target) + (block * places.count + index) * bytes).copyMemory(
          from: frame.raw(source) + (block * source.shape[1] + place) * bytes, byteCount: bytes)
      }
    }
  }
}
