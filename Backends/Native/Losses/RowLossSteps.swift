import Foundation
import GraftIR

/// The hinge loss of each row's target classes against all its other classes, divided by their number: x [..., C] with
/// targets [..., C] that count up to the first negative one.
struct MultilabelMarginStep<Element: BinaryFloatingPoint & Sendable>: Step {
  let x: View
  /// Of int64.
  let labels: View
  /// [...]
  let target: View

  var name: String { "multilabel margin" }
  var reads: [View] { [x, labels] }
  var writes: [View] { [target] }
  private var rows: [Int] { target.shape }
  var taskCount: Int { max(1, rows.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard target.count > 0 else { return }
    let classes = x.shape[x.rank - 1]
    let scores = frame.pointer(x, as: Element.self) + x.offset(ofLeading: task, rows)
    let own = frame.pointer(labels, as: Int64.self) + labels.offset(ofLeading: task, rows)
    var listed: [Int] = []
    for index in 0..<classes {
      let label = Int(own[index * labels.strides[labels.rank - 1]])
      if label < 0 { break }
      guard label < classes else { throw NativeError("there is no class \(label)") }
      listed.append(label)
    }
    func score(_ label: Int) -> Double { Double(scores[label * x.strides[x.rank - 1]]) }
    let isListed = Set(listed)
    var total = 0.0
    for label in listed {
      for other in 0..<classes where !isListed.contains(other) { total += max(0, 1 - score(label) + score(other)) }
    }
    frame.pointer(target, as: Element.self)[target.offset(ofLeading: task, rows)] = Element(total / Double(classes))
  }
}

/// The p-norm distances of each row of x [N, M] from those after it.
struct RowDistanceStep<Element: BinaryFloatingPoint & Sendable>: Step {
  let order: Double
  let x: View
  /// [N (N - 1) / 2]
  let target: View

  var name: String { "row distances" }
  var reads: [View] { [x] }
  var writes: [View] { [target] }
  private var rows: Int { x.shape[0] }
  var taskCount: Int { max(1, rows - 1) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let elements = frame.pointer(x, as: Element.self)
    let results = frame.pointer(target, as: Element.self) + task * (2 * rows - task - 1) / 2
    for other in task + 1..<rows {
      let (a, b) = (elements + task * x.strides[0], elements + other * x.strides[0])
      results[other - task - 1] = Element(distance(a, b))
    }
  }

  private func distance(_ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>) -> Double {
    var total = 0.0
    for column in 0..<x.shape[1] {
      let difference = abs(Double(a[column * x.strides[1]]) - Double(b[column * x.strides[1]]))
      switch order {
      case 0: total += difference == 0 ? 0 : 1
      case 1: total += difference
      case 2: total += difference * difference
      case .infinity: total = difference > total || difference.isNaN ? difference : total
      default: total += pow(difference, order)
      }
    }
    switch order {
    case 0, 1, .infinity: return total
    case 2: return total.squareRoot()
    default: return pow(total, 1 / order)
    }
  }
}
