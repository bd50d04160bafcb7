import GraftIR

/// The sum, mean or maximum of the rows of a table [count, width] that each bag of indices names.
struct EmbeddingBagStep<Element: BinaryFloatingPoint & Sendable>: Step {
  enum Mode: String, Sendable { case sum, mean, max }

  let mode: Mode
  let table: View
  /// [K] of int64.
  let indices: View
  /// The first index of each bag, of int64.
  let offsets: View
  /// [K], a factor for each row.
  let scale: View?
  /// The row that does not count.
  let padding: Int?
  /// [bags, width], row-major.
  let target: View

  var name: String { "embedding bag \(mode.rawValue)" }
  var reads: [View] { [table, indices, offsets] + (scale.map { [$0] } ?? []) }
  var writes: [View] { [target] }
  private var width: Int { target.shape[1] }
  private var bagsPerTask: Int { max(1, 4096 / max(width, 1)) }
  var taskCount: Int { max(1, (target.shape[0] + bagsPerTask - 1) / bagsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    let first = task * bagsPerTask
    for bag in first..<min(first + bagsPerTask, target.shape[0]) { try fill(bag, frame) }
  }

  private func fill(_ bag: Int, _ frame: borrowing TaskFrame) throws {
    let starts = frame.pointer(offsets, as: Int64.self)
    func start(_ bag: Int) -> Int { Int(starts[bag * offsets.strides[0]]) }
    let range = (start(bag), bag + 1 < offsets.shape[0] ? start(bag + 1) : indices.shape[0])
    guard range.0 >= 0, range.0 <= range.1, range.1 <= indices.shape[0] else {
      throw NativeError("the bag from \(range.0) to \(range.1) does not fit \(indices.shape[0]) indices")
    }
    var totals = [Double](repeating: 0, count: width)
    var count = 0
    for position in range.0..<range.1 {
      let row = try self.row(position, frame)
      if row == padding { continue }
      let factor = scale.map { Double(frame.pointer($0, as: Element.self)[position * $0.strides[0]]) } ?? 1
      let elements = frame.pointer(table, as: Element.self) + row * table.strides[0]
      for column in 0..<width {
        let element = Double(elements[column * table.strides[1]]) * factor
        let larger = count == 0 || element > totals[column] || element.isNaN
        totals[column] = mode == .max ? (larger ? element : totals[column]) : totals[column] + element
      }
      count += 1
    }
    let results = frame.pointer(target, as: Element.self) + bag * width
    let divisor = mode == .mean ? Double(max(count, 1)) : 1
    for column in 0..<width { results[column] = Element(totals[column] / divisor) }
  }

  private func row(_ position: Int, _ frame: borrowing TaskFrame) throws -> Int {
    let index = Int(frame.pointer(indices, as: Int64.self)[position * indices.strides[0]])
    guard index >= 0, index < table.shape[0] else {
      throw NativeError("index \(index) is out of bounds for a table of \(table.shape[0]) rows")
    }
    return index
  }
}
