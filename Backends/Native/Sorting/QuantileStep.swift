import GraftIR

/// Quantiles of the lines along the last axis (Hyndman and Fan, 1996, definition 7, and its roundings).
struct QuantileStep<Element: BinaryFloatingPoint & Sendable>: Step {
  /// Which of the two elements around a quantile is taken, or what lies between them.
  enum Method: String, Sendable { case linear, lower, higher, nearest, midpoint }

  let method: Method
  /// Whether NaN is left out, instead of making its line's quantiles NaN.
  let ignoresNaN: Bool
  /// [..., extent]
  let source: View
  /// [k], from 0 to 1.
  let shares: View
  /// [k, ...]
  let target: View

  var name: String { "quantile" }
  var reads: [View] { [source, shares] }
  var writes: [View] { [target] }
  private var lines: [Int] { Array(source.shape.dropLast()) }
  var taskCount: Int { max(1, lines.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard target.count > 0 else { return }
    let elements = frame.pointer(source, as: Element.self) + source.offset(ofLeading: task, lines)
    let (extent, stride) = (source.shape[source.rank - 1], source.strides[source.rank - 1])
    let line = (0..<extent).map { elements[$0 * stride] }
    let numbers = line.filter { !$0.isNaN }.sorted()
    let isNaN = numbers.isEmpty || (!ignoresNaN && numbers.count < extent)
    var part = target
    part.shape.removeFirst()
    part.strides.removeFirst()
    let results = frame.pointer(target, as: Element.self) + part.offset(ofLeading: task, lines)
    for index in 0..<shares.shape[0] {
      let share = frame.pointer(shares, as: Element.self)[index * shares.strides[0]]
      guard share >= 0, share <= 1 else { throw NativeError("the share \(share) of a quantile is not between 0 and 1") }
      results[index * target.strides[0]] = isNaN ? .nan : quantile(share, of: numbers)
    }
  }

  private func quantile(_ share: Element, of numbers: [Element]) -> Element {
    let place = share * Element(numbers.count - 1)
    let (low, high) = (place.rounded(.down), place.rounded(.up))
    func number(_ place: Element) -> Element { numbers[place.place(below: numbers.count)] }
    func between(_ share: Element) -> Element {
      let (a, b) = (number(low), number(high))
      return a == b ? a : share < 0.5 ? a + share * (b - a) : b - (b - a) * (1 - share)
    }
    switch method {
    case .lower: return number(low)
    case .higher: return number(high)
    case .nearest: return number(place.rounded(.toNearestOrEven))
    case .midpoint: return between(low == high ? 0 : 0.5)
    case .linear: return between(place - low)
    }
  }
}
