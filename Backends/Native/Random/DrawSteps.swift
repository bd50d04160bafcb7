import GraftFiles
import GraftIR

/// Fills a tensor with numbers that each depend on the key and on the element's row-major position alone.
struct DrawStep<Element: BitwiseCopyable & Sendable>: Step {
  let distribution: String
  /// One 64-bit key.
  let key: View
  /// Row-major.
  let target: View
  /// An element of 64 random bits.
  let draw: @Sendable (UInt64) -> Element

  var name: String { "random \(distribution)" }
  var reads: [View] { [key] }
  var writes: [View] { [target] }
  private static var grain: Int { 8192 }
  var taskCount: Int { max(1, (target.count + Self.grain - 1) / Self.grain) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let generator = Philox(key: frame.pointer(key, as: UInt64.self).pointee)
    let results = frame.pointer(target, as: Element.self)
    let first = task * Self.grain
    for index in first..<min(first + Self.grain, target.count) {
      results[index] = draw(generator.bits(UInt64(index)))
    }
  }
}

/// Independent keys from one.
struct SplitKeyStep: Step {
  let key: View
  /// [count].
  let keys: View

  var name: String { "split key" }
  var reads: [View] { [key] }
  var writes: [View] { [keys] }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let generator = Philox(key: frame.pointer(key, as: UInt64.self).pointee, stream: Philox.keys)
    let results = frame.pointer(keys, as: UInt64.self)
    for index in 0..<keys.count { results[index] = generator.bits(UInt64(index)) }
  }
}

/// The integers up to the target's extent, shuffled (Durstenfeld, 1964).
struct PermutationStep: Step {
  let key: View
  /// [count] of int64.
  let target: View

  var name: String { "random permutation" }
  var reads: [View] { [key] }
  var writes: [View] { [target] }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let generator = Philox(key: frame.pointer(key, as: UInt64.self).pointee)
    let results = frame.pointer(target, as: Int64.self)
    for index in 0..<target.count { results[index] = Int64(index) }
    for index in stride(from: target.count - 1, to: 0, by: -1) {
      let other = Int(generator.bits(UInt64(index)).multipliedFullWidth(by: UInt64(index + 1)).high)
      (results[index], results[other]) = (results[other], results[index])
    }
  }
}

/// Places drawn by the weights of each row: [..., N] of float64 to [..., count] of int64.
///
/// With replacement each is where a uniform number falls among the running sums; without, they are the places of the
/// largest `weight / e` with exponentially distributed e, which is drawing one after another.
struct MultinomialStep: Step {
  let key: View
  let weights: View
  let target: View
  let withReplacement: Bool

  var name: String { "random multinomial" }
  var reads: [View] { [key, weights] }
  var writes: [View] { [target] }
  private var extent: Int { weights.shape[weights.rank - 1] }
  private var count: Int { target.shape[target.rank - 1] }
  private var rows: [Int] { Array(weights.shape.dropLast()) }
  var taskCount: Int { max(1, rows.reduce(1, *)) }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    guard target.count > 0 else { return }
    let start = frame.pointer(weights, as: Double.self) + weights.offset(ofLeading: task, rows)
    let step = weights.strides[weights.rank - 1]
    let row = (0..<extent).map { start[$0 * step] }
    guard row.allSatisfy({ $0 >= 0 && $0.isFinite }), row.contains(where: { $0 > 0 }) else {
      throw NativeError("weights to draw by must be at least 0, finite, and not all 0")
    }
    let generator = Philox(key: frame.pointer(key, as: UInt64.self).pointee)
    let results = frame.pointer(target, as: Int64.self) + task * count
    for (index, place) in try places(row, generator, UInt64(task)).enumerated() { results[index] = Int64(place) }
  }

  private func places(_ row: [Double], _ generator: Philox, _ task: UInt64) throws -> [Int] {
    if withReplacement {
      var sums = row
      for index in 1..<max(row.count, 1) { sums[index] += sums[index - 1] }
      let last = row.lastIndex { $0 > 0 } ?? 0
      return (0..<count).map { index in
        let level = generator.bits(task &* UInt64(count) &+ UInt64(index)).unit * sums[row.count - 1]
        return min(sums.firstIndex { $0 > level } ?? last, last)
      }
    }
    guard row.count(where: { $0 > 0 }) >= count else {
      throw NativeError("cannot draw \(count) different places by \(row.count(where: { $0 > 0 })) weights above 0")
    }
    let scores = row.indices.map { index in
      row[index] / exponential(generator.bits(task &* UInt64(row.count) &+ UInt64(index)))
    }
    return Array(row.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(count))
  }
}

/// A number of the exponential distribution of rate 1.
@Sendable func exponential(_ bits: UInt64) -> Double { -deterministicLog(bits.openUnit) }

/// A number of the standard normal distribution.
@Sendable func standardNormal(_ bits: UInt64) -> Double {
  normalQuantile((Double(bits >> 11) - 0x1p52) * 0x1p-53 + 0x1p-54)
}
