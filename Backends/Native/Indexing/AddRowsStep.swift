import GraftIR

/// Adds rows of float32 to the rows that indices name, one after another in the indices' order: the way back of an embedding.
struct AddRowsStep: Step {
  /// The places in what is written.
  private let picks: IndexPicks
  /// The axes of the indices, then the row's.
  private let update: View
  private let rowLength: Int
  private let add: BlockFunction

  /// Nil for another type, and rows whose elements do not lie next to each other.
  init?(_ picks: IndexPicks, _ update: View, _ kernels: VectorKernels) {
    let row = picks.row
    guard update.dtype == .float32, row.isRowMajor, picks.row(of: update).isRowMajor, row.count >= 16, update.count > 0,
      let add = kernels.block(.add, .float32)
    else { return nil }
    (self.picks, self.update, self.add, rowLength) = (picks, update, add, row.count)
  }

  var name: String { "add rows" }
  var reads: [View] { [picks.source, update] + picks.axes.map(\.indices) }
  var writes: [View] { [picks.source] }
  var flops: Int { update.count }
  /// A task does some columns of all rows.
  private var columnsPerTask: Int { max(64, (rowLength / 8).roundedUp(to: 16)) }
  var taskCount: Int { (rowLength + columnsPerTask - 1) / columnsPerTask }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    let first = task * columnsPerTask
    let count = min(columnsPerTask, rowLength - first)
    let rows = frame.pointer(picks.source, as: Float.self) + first
    let updates = frame.pointer(update, as: Float.self) + first
    for position in 0..<picks.count {
      let row = rows + (try picks.offset(of: position, in: frame))
      add(row, row, updates + update.offset(ofLeading: position, picks.shape), nil, count)
    }
  }
}
