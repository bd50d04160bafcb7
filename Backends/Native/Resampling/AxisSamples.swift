import Foundation

/// How the elements along an axis are made of those of another extent: for each a few places and their weights.
struct AxisSamples: Sendable {
  /// The number of new elements.
  let count: Int
  /// The number of places of each.
  let taps: Int
  /// [count, taps].
  private(set) var places: [Int]
  /// [count, taps]; those of one element add up to 1.
  private(set) var weights: [Double]
  /// Whether each element is another one as it is.
  var isCopy: Bool { taps == 1 }

  private init(count: Int, taps: Int) {
    self.count = count
    self.taps = taps
    places = Array(repeating: 0, count: count * taps)
    weights = Array(repeating: 0, count: count * taps)
  }
}

/// How `resize` samples.
enum ResizeMethod: String, Sendable {
  case nearest
  case nearestExact = "nearest_exact"
  case linear, cubic
}

extension AxisSamples {
  /// - Parameters:
  ///   - extent: the number of elements that there are, at least 1.
  ///   - ratio: the distance between new elements, in old ones; `extent / count` where it is 0.
  init(
    _ method: ResizeMethod, extent: Int, count: Int, ratio given: Double, alignCorners: Bool, antialias: Bool
  ) {
    let ratio = given != 0 ? given : Double(extent) / Double(max(count, 1))
    let step = alignCorners ? Double(extent - 1) / Double(max(count - 1, 1)) : ratio
    func position(_ index: Int) -> Double {
      alignCorners ? Double(index) * step : (Double(index) + 0.5) * step - 0.5
    }
    switch method {
    case .nearest, .nearestExact:
      self.init(count: count, taps: 1)
      // In single precision for every type, as PyTorch has it.
      let shift: Float = method == .nearest ? 0 : 0.5
      for index in 0..<count {
        set(index, 0, ((Float(index) + shift) * Float(ratio)).rounded(.down).place(below: extent), 1)
      }
    case .linear where antialias:
      self.init(filter: { max(0, 1 - abs($0)) }, radius: 1, extent: extent, count: count, step: step)
    case .cubic where antialias:
      self.init(filter: { cubicKernel($0, a: -0.5) }, radius: 2, extent: extent, count: count, step: step)
    case .linear:
      self.init(count: count, taps: 2)
      for index in 0..<count {
        let place = min(max(position(index), 0), Double(extent - 1))
        let low = place.rounded(.down)
        set(index, 0, low.place(below: extent), 1 - (place - low))
        set(index, 1, (low + 1).place(below: extent), place - low)
      }
    case .cubic:
      self.init(count: count, taps: 4)
      for index in 0..<count {
        let start = position(index).rounded(.down)
        for tap in 0..<4 {
          let place = start + Double(tap - 1)
          set(index, tap, place.place(below: extent), cubicKernel(position(index) - place, a: -0.75))
        }
      }
    }
  }

  /// By a kernel that is as wide as the distance between new elements where that is above 1.
  private init(filter: (Double) -> Double, radius: Double, extent: Int, count: Int, step: Double) {
    let scale = max(step, 1)
    let support = min(radius * scale, Double(extent) + 1)
    self.init(count: count, taps: min(extent, 2 * Int(support.rounded(.up)) + 1))
    for index in 0..<count {
      let centre = step * (Double(index) + 0.5)
      let first = (centre - support + 0.5).place(below: extent)
      let end = Swift.max((centre + support + 0.5).place(below: extent + 1), first + 1)
      let shares = (first..<min(end, first + taps)).map { filter((Double($0) - centre + 0.5) / scale) }
      let total = shares.reduce(0, +)
      for tap in 0..<taps {
        let share = shares.indices.contains(tap) && total != 0 ? shares[tap] / total : 0
        set(index, tap, min(first + tap, extent - 1), share)
      }
    }
  }

  private mutating func set(_ index: Int, _ tap: Int, _ place: Int, _ weight: Double) {
    places[index * taps + tap] = place
    weights[index * taps + tap] = weight
  }
}

/// The weight at a distance of cubic convolution (Keys, 1981).
func cubicKernel(_ distance: Double, a: Double) -> Double {
  let x = abs(distance)
  if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}

extension BinaryFloatingPoint {
  /// The number without its fraction, as a place below `extent`; the nearest one for numbers outside, 0 for NaN.
  func place(below extent: Int) -> Int {
    guard self > 0 else { return 0 }
    return self >= Self(extent - 1) ? extent - 1 : Int(self)
  }
}
