import GraftIR

/// The order of the elements along the last axis; equal elements keep theirs. NaN is larger than every number.
struct SortStep<Element: NativeNumber>: Step {
  let isDescending: Bool
  let source: View
  /// The sorted elements, or with `yieldsPositions` where they stood, as int64.
  let target: View
  let yieldsPositions: Bool

  var name: String { yieldsPositions ? "argsort" : "sort" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  private var extent: Int { source.shape[source.rank - 1] }
  private var rows: [Int] { Array(source.shape.dropLast()) }
  var taskCount: Int { max(1, rows.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let (from, to) = (source.strides[source.rank - 1], target.strides[target.rank - 1])
    let elements = frame.pointer(source, as: Element.self) + source.offset(ofLeading: task, rows)
    let place = target.offset(ofLeading: task, rows)
    let order = (0..<extent).sorted { a, b in
      let (x, y) = (elements[a * from], elements[b * from])
      if isDescending ? x.follows(y) : y.follows(x) { return true }
      if isDescending ? y.follows(x) : x.follows(y) { return false }
      return a < b
    }
    if yieldsPositions {
      let results = frame.pointer(target, as: Int64.self) + place
      for (index, position) in order.enumerated() { results[index * to] = Int64(position) }
    } else {
      let results = frame.pointer(target, as: Element.self) + place
      for (index, position) in order.enumerated() { results[index * to] = elements[position * from] }
    }
  }
}
