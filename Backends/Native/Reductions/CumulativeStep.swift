import GraftIR

/// The sums, products or extremes of the elements up to and including each along the last axis.
struct CumulativeStep<Element: NativeNumber>: Step {
  let kind: ReductionKind
  let source: View
  let target: View

  var name: String { "cumulative \(kind.rawValue)" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  private var extent: Int { source.shape[source.rank - 1] }
  private var rows: [Int] { Array(source.shape.dropLast()) }
  private var rowsPerTask: Int { max(1, 16_384 / max(extent, 1)) }
  var taskCount: Int { max(1, (rows.reduce(1, *) + rowsPerTask - 1) / rowsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard extent > 0 else { return }
    let first = task * rowsPerTask
    let (from, to) = (source.strides[source.rank - 1], target.strides[target.rank - 1])
    for row in first..<min(first + rowsPerTask, rows.reduce(1, *)) {
      let elements = frame.pointer(source, as: Element.self) + source.offset(ofLeading: row, rows)
      let results = frame.pointer(target, as: Element.self) + target.offset(ofLeading: row, rows)
      var total = elements[0]
      results[0] = total
      for index in 1..<max(extent, 1) {
        total = combine(total, elements[index * from])
        results[index * to] = total
      }
    }
  }

  private func combine(_ total: Element, _ element: Element) -> Element {
    switch kind {
    case .sum: total.adding(element)
    case .prod: total.multiplied(by: element)
    case .max: element.follows(total) || element == total ? element : total
    case .min: total != total ? total : element <= total || element != element ? element : total
    }
  }
}
