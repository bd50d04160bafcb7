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

/// What happens where an update meets an element.
enum UpdateMode: String, Sendable {
  case set, add, multiply
  case maximum = "max"
  case minimum = "min"
}

/// Writes an update to the elements that indices name, one after another in the indices' order.
struct PutStep<Element: NativeNumber>: Step {
  let mode: UpdateMode
  /// The places in what is written.
  let picks: IndexPicks
  /// The axes of the indices, then the tensor's that are not indexed.
  let update: View

  var name: String { "put" }
  var reads: [View] { [picks.source, update] + picks.axes.map(\.indices) }
  var writes: [View] { [picks.source] }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard update.count > 0 else { return }
    let elements = frame.pointer(picks.source, as: Element.self)
    let updates = frame.pointer(update, as: Element.self)
    let (inner, innerUpdate) = (picks.row, picks.row(of: update))
    let extents = inner.shape
    for position in 0..<picks.count {
      let start = elements + (try picks.offset(of: position, in: frame))
      let new = updates + update.offset(ofLeading: position, picks.shape)
      for place in 0..<inner.count {
        let target = start + inner.offset(ofLeading: place, extents)
        target.pointee = combine(target.pointee, new[innerUpdate.offset(ofLeading: place, extents)])
      }
    }
  }

  private func combine(_ old: Element, _ new: Element) -> Element {
    switch mode {
    case .set: new
    case .add: old.adding(new)
    case .multiply: old.multiplied(by: new)
    case .maximum: new.follows(old) ? new : old
    case .minimum: old != old ? old : new < old || new != new ? new : old
    }
  }
}
