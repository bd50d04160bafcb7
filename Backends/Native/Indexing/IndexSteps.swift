import GraftIR

/// Takes the elements that indices name.
struct TakeStep: Step {
  let picks: IndexPicks
  /// The axes of the indices, then the tensor's that are not indexed.
  let target: View

  var name: String { "take" }
  var reads: [View] { [picks.source] + picks.axes.map(\.indices) }
  var writes: [View] { [target] }
  private var picksPerTask: Int { max(1, 32_768 / max(target.count / max(picks.count, 1), 1)) }
  var taskCount: Int { max(1, (picks.count + picksPerTask - 1) / picksPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard target.count > 0 else { return }
    let rank = picks.shape.count
    let copy = ElementCopy(
      Array(target.shape.dropFirst(rank)), from: picks.rest.map { picks.source.strides[$0] },
      to: Array(target.strides.dropFirst(rank)), width: target.dtype.byteWidth)
    let width = target.dtype.byteWidth
    let first = task * picksPerTask
    for position in first..<min(first + picksPerTask, picks.count) {
      let offset = try picks.offset(of: position, in: frame)
      copy(
        frame.raw(picks.source) + offset * width,
        frame.raw(target) + target.offset(ofLeading: position, picks.shape) * width)
    }
  }
}
