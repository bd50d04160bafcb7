import Foundation
import GraftIR

/// The loss of connectionist temporal classification (Graves et al., 2006) for each sequence of a batch: minus the
/// logarithm of the probability of its labels, summed over all alignments by the forward algorithm.
struct ConnectionistStep<Element: BinaryFloatingPoint & Sendable>: Step {
  let blank: Int
  /// Whether a sequence that no alignment fits has the loss 0 instead of infinity.
  let dropsInfinity: Bool
  /// Whether each loss is divided by the number of its labels.
  let isPerLabel: Bool
  /// Logarithms of probabilities [T, N, C].
  let x: View
  /// [N, S] of int64.
  let labels: View
  /// [N] of int64: how many steps, and labels, count.
  let lengths: View
  let labelCounts: View
  /// [N]
  let target: View

  var name: String { "ctc loss" }
  var reads: [View] { [x, labels, lengths, labelCounts] }
  var writes: [View] { [target] }
  var taskCount: Int { max(1, target.count) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard target.count > 0 else { return }
    func count(_ view: View, below limit: Int) throws -> Int {
      let count = Int(frame.pointer(view, as: Int64.self)[task * view.strides[0]])
      guard count >= 0, count <= limit else { throw NativeError("a length of \(count), of at most \(limit)") }
      return count
    }
    let steps = try count(lengths, below: x.shape[0])
    let labelCount = try count(labelCounts, below: labels.shape[1])
    let own = frame.pointer(labels, as: Int64.self) + task * labels.strides[0]
    let path = try (0..<2 * labelCount + 1).map { state in
      let label = state % 2 == 0 ? blank : Int(own[state / 2 * labels.strides[1]])
      guard label >= 0, label < x.shape[2] else { throw NativeError("there is no class \(label)") }
      return label
    }
    var loss = -probability(of: path, steps, frame.pointer(x, as: Element.self) + task * x.strides[1])
    if loss == .infinity, dropsInfinity { loss = 0 }
    if isPerLabel { loss /= Double(max(labelCount, 1)) }
    frame.pointer(target, as: Element.self)[task * target.strides[0]] = Element(loss)
  }

  /// The logarithm of the probability of labels with blanks around them.
  private func probability(of path: [Int], _ steps: Int, _ start: UnsafePointer<Element>) -> Double {
    func emitted(_ time: Int, _ state: Int) -> Double {
      Double(start[time * x.strides[0] + path[state] * x.strides[2]])
    }
    if steps == 0 { return path.count == 1 ? 0 : -.infinity }
    var alpha = path.indices.map { $0 < 2 ? emitted(0, $0) : -.infinity }
    for time in 1..<max(steps, 1) {
      alpha = path.indices.map { state in
        var sum = alpha[state]
        if state > 0 { sum = logarithmOfSum(sum, alpha[state - 1]) }
        // A label may follow the one before it at once unless they are equal.
        if state > 1, path[state] != blank, path[state] != path[state - 2] {
          sum = logarithmOfSum(sum, alpha[state - 2])
        }
        return sum + emitted(time, state)
      }
    }
    return path.count == 1 ? alpha[0] : logarithmOfSum(alpha[path.count - 1], alpha[path.count - 2])
  }
}

/// log(exp(a) + exp(b)), without overflow.
private func logarithmOfSum(_ a: Double, _ b: Double) -> Double {
  let (low, high) = (min(a, b), max(a, b))
  return low == -.infinity ? high : high + log1p(exp(low - high))
}
