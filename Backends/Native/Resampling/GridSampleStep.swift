import Foundation
import GraftIR

/// How points are read from an image: between its elements, and beyond its ends.
struct GridSampling: Sendable {
  enum Method: String, Sendable { case nearest, linear, cubic }
  enum Padding: String, Sendable { case zeros, border, reflection }

  let method: Method
  let padding: Padding
  let alignCorners: Bool

  /// Up to four places along an axis, with their weights; a place of -1 is outside.
  struct Taps {
    var places = SIMD4<Int>(repeating: -1)
    var weights = SIMD4<Double>(repeating: 0)
    var count = 0

    mutating func add(_ place: Int, _ weight: Double) {
      places[count] = place
      weights[count] = weight
      count += 1
    }
  }

  /// The places along an axis for a coordinate, -1 and 1 being the axis's ends.
  func taps(_ coordinate: Double, _ extent: Int) -> Taps {
    let raw = alignCorners ? (coordinate + 1) / 2 * Double(extent - 1) : ((coordinate + 1) * Double(extent) - 1) / 2
    var taps = Taps()
    switch method {
    case .nearest: taps.add(place(inside(raw, extent).rounded(.toNearestOrEven), extent), 1)
    case .linear:
      let position = inside(raw, extent)
      let low = position.rounded(.down)
      taps.add(place(low, extent), 1 - (position - low))
      taps.add(place(low + 1, extent), position - low)
    case .cubic:
      let low = raw.rounded(.down)
      for side in -1...2 {
        let position = low + Double(side)
        taps.add(place(inside(position, extent), extent), cubicKernel(raw - position, a: -0.75))
      }
    }
    return taps
  }

  /// A whole position as a place; -1 outside and for NaN.
  private func place(_ position: Double, _ extent: Int) -> Int {
    position >= 0 && position < Double(extent) ? Int(position) : -1
  }

  /// A position brought back from beyond the ends.
  private func inside(_ given: Double, _ extent: Int) -> Double {
    var position = given
    if padding == .reflection {
      let (low, high) = alignCorners ? (0, Double(extent - 1)) : (-0.5, Double(extent) - 0.5)
      let span = high - low
      if span == 0 { return 0 }
      let distance = abs(position - low)
      let turns = (distance / span).rounded(.down)
      let rest = distance.truncatingRemainder(dividingBy: span)
      position = turns.truncatingRemainder(dividingBy: 2) == 0 ? low + rest : high - rest
    }
    return padding == .zeros ? position : min(max(position, 0), Double(extent - 1))
  }
}

/// Samples x [N, C, spatial...] at the points of grid [N, ..., rank]: [N, C, ...].
struct GridSampleStep<Element: BinaryFloatingPoint & Sendable>: Step {
  let sampling: GridSampling
  let x: View
  let grid: View
  let target: View

  var name: String { "grid sample \(sampling.method.rawValue)" }
  var reads: [View] { [x, grid] }
  var writes: [View] { [target] }
  private var rank: Int { x.rank - 2 }
  private var channels: Int { x.shape[1] }
  private var points: [Int] { Array(grid.shape.dropLast()) }
  private var pointsPerTask: Int { max(1, 4096 / max(channels, 1)) }
  var taskCount: Int { max(1, (points.reduce(1, *) + pointsPerTask - 1) / pointsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let coordinates = frame.pointer(grid, as: Element.self)
    let elements = frame.pointer(x, as: Element.self)
    let results = frame.pointer(target, as: Element.self)
    let perSample = points.dropFirst().reduce(1, *)
    let toPoint = target.transposed([0] + Array(2..<target.rank) + [1])
    let first = task * pointsPerTask
    for point in first..<min(first + pointsPerTask, points.reduce(1, *)) {
      let at = coordinates + grid.offset(ofLeading: point, points)
      let taps = (0..<rank).map { axis in
        sampling.taps(Double(at[(rank - 1 - axis) * grid.strides[grid.rank - 1]]), x.shape[axis + 2])
      }
      let sample = elements + point / perSample * x.strides[0]
      let result = results + toPoint.offset(ofLeading: point, points)
      for channel in 0..<channels {
        let total = sum(sample + channel * x.strides[1], taps, 0, 1)
        result[channel * target.strides[1]] = Element(total)
      }
    }
  }

  private func sum(
    _ start: UnsafePointer<Element>, _ taps: [GridSampling.Taps], _ axis: Int, _ weight: Double
  ) -> Double {
    if axis == taps.count { return Double(start.pointee) * weight }
    var total = 0.0
    for tap in 0..<taps[axis].count where taps[axis].places[tap] >= 0 {
      let place = taps[axis].places[tap]
      total += sum(start + place * x.strides[axis + 2], taps, axis + 1, weight * taps[axis].weights[tap])
    }
    return total
  }
}
