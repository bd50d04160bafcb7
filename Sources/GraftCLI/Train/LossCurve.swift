import Foundation

/// Losses over batches as a picture: each batch's pale, their moving mean dark, those of validation as dots on a line.
struct LossCurve {
  var losses: [Double]
  /// After how many batches each was measured.
  var validation: [(position: Int, loss: Double)]

  private static let size = (width: 720.0, height: 400.0)
  private static let margin = (left: 64.0, right: 16.0, top: 16.0, bottom: 44.0)

  private struct Scale {
    var maximumX: Double
    var range: ClosedRange<Double>

    func x(_ position: Double) -> Double {
      margin.left + position / max(maximumX, 1) * (size.width - margin.left - margin.right)
    }

    func y(_ loss: Double) -> Double {
      let share = (loss - range.lowerBound) / (range.upperBound - range.lowerBound)
      return size.height - margin.bottom - share * (size.height - margin.top - margin.bottom)
    }
  }

  /// An SVG document.
  var svg: String {
    let finite = (losses + validation.map(\.loss)).filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    let spread = high > low ? (high - low) * 0.05 : 0.5
    let scale = Scale(maximumX: Double(losses.count), range: (low - spread)...(high + spread))
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.size.width)) \(Int(Self.size.height))\""
        + " font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    parts += axes(scale)
    let points = losses.enumerated().map { (x: Double($0 + 1), y: $1) }
    parts.append(line(points, scale, color: "#b8cfe8", width: 1))
    parts.append(line(smoothed(points), scale, color: "#1f5fa8", width: 2))
    let measured = validation.map { (x: Double($0.position), y: $0.loss) }
    parts.append(line(measured, scale, color: "#c4501b", width: 2))
    parts += measured.filter { $0.y.isFinite }.map { point in
      "<circle cx=\"\(text(scale.x(point.x)))\" cy=\"\(text(scale.y(point.y)))\" r=\"3\" fill=\"#c4501b\"/>"
    }
    parts.append(legend)
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func axes(_ scale: Scale) -> [String] {
    let (left, right) = (Self.margin.left, Self.size.width - Self.margin.right)
    let bottom = Self.size.height - Self.margin.bottom
    var parts: [String] = []
    for tick in Self.ticks(scale.range.lowerBound, scale.range.upperBound) {
      let y = text(scale.y(tick))
      parts.append("<line x1=\"\(text(left))\" x2=\"\(text(right))\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"#e4e4e4\"/>")
      parts.append(
        "<text x=\"\(text(left - 6))\" y=\"\(y)\" text-anchor=\"end\" dominant-baseline=\"middle\">\(Self.label(tick))</text>"
      )
    }
    for tick in Self.ticks(0, max(scale.maximumX, 1)) {
      parts.append(
        "<text x=\"\(text(scale.x(tick)))\" y=\"\(text(bottom + 18))\" text-anchor=\"middle\">\(Self.label(tick))</text>"
      )
    }
    parts.append(
      "<text x=\"\(text((left + right) / 2))\" y=\"\(text(bottom + 36))\" text-anchor=\"middle\">batch</text>")
    return parts
  }

  private var legend: String {
    let x = Self.size.width - Self.margin.right - 8
    let training = "<text x=\"\(text(x))\" y=\"30\" text-anchor=\"end\" fill=\"#1f5fa8\">training loss</text>"
    guard !validation.isEmpty else { return training }
    return training + "\n<text x=\"\(text(x))\" y=\"46\" text-anchor=\"end\" fill=\"#c4501b\">validation loss</text>"
  }

  private func line(_ points: [(x: Double, y: Double)], _ scale: Scale, color: String, width: Int) -> String {
    let path = points.filter { $0.y.isFinite }.map { "\(text(scale.x($0.x))),\(text(scale.y($0.y)))" }
    return
      "<polyline points=\"\(path.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\"/>"
  }

  /// The exponential moving mean over a twentieth of the points.
  private func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let share = 1 / max(Double(points.count) / 20, 1)
    var mean: Double?
    return points.filter { $0.y.isFinite }.map { point in
      let next = mean.map { $0 + share * (point.y - $0) } ?? point.y
      mean = next
      return (point.x, next)
    }
  }

  /// Round numbers between two, about five of them.
  static func ticks(_ low: Double, _ high: Double) -> [Double] {
    guard high > low, (high - low).isFinite else { return [low] }
    let rough = (high - low) / 5
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
    return Array(stride(from: ceil(low / step) * step, through: high, by: step))
  }

  private static func label(_ value: Double) -> String { String(format: "%g", abs(value) < 1e-12 ? 0 : value) }

  private func text(_ value: Double) -> String { String(format: "%.1f", value) }
}
