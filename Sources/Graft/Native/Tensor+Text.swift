import Foundation
import GraftFiles
import GraftIR
import GraftNative

extension Tensor: CustomStringConvertible {
  /// The elements in nested brackets, as NumPy prints them; of a large tensor three at each end of an axis.
  public var description: String {
    let isLong = count > 1000
    let texts = (try? TensorText(data, edge: isLong ? 3 : nil)) ?? TensorText()
    return "\(texts.text(0, 0)) \(dtype.rawValue)[\(shape.map(String.init).joined(separator: ", "))]"
  }
}

/// The text of a tensor's elements.
private struct TensorText {
  private var shape: [Int] = []
  private var edge: Int?
  private var element: (Int) -> String = { _ in "" }

  init() {}

  init(_ data: TensorData, edge: Int?) throws {
    shape = data.shape
    self.edge = edge
    if data.dtype.isFloating {
      let values = try data.converted(to: .float64).withElements(of: Double.self) { Array($0) }
      element = { Self.number(values[$0]) }
    } else if data.dtype.isComplex {
      let values =
        data.dtype == .complex64
        ? try data.withElements(of: Float.self) { $0.map(Double.init) }
        : try data.withElements(of: Double.self, Array.init)
      element = {
        "\(Self.number(values[2 * $0]))\(values[2 * $0 + 1] < 0 ? "" : "+")\(Self.number(values[2 * $0 + 1]))i"
      }
    } else {
      let values = try data.converted(to: .int64).withElements(of: Int64.self) { Array($0) }
      let isBoolean = data.dtype == .bool
      element = { isBoolean ? (values[$0] != 0 ? "true" : "false") : "\(values[$0])" }
    }
  }

  /// At most four decimals, in scientific form where those say nothing.
  private static func number(_ value: Double) -> String {
    if value == 0 || !value.isFinite { return "\(value)" }
    let magnitude = abs(value)
    if magnitude >= 1e6 || magnitude < 1e-3 { return String(format: "%.4e", value) }
    return String(format: "%.4f", value)
  }

  /// The part of an axis from an element on.
  func text(_ axis: Int, _ first: Int) -> String {
    guard axis < shape.count else { return element(first) }
    let inner = shape.dropFirst(axis + 1).reduce(1, *)
    let margin = String(repeating: " ", count: axis + 1)
    var parts: [String] = []
    for index in 0..<shape[axis] {
      if let edge, shape[axis] > 2 * edge, index >= edge, index < shape[axis] - edge {
        if index == edge { parts.append("…") }
        continue
      }
      parts.append(text(axis + 1, first + index * inner))
    }
    let isInnermost = axis == shape.count - 1
    return "[\(isInnermost ? Self.wrapped(parts, margin) : parts.joined(separator: ",\n" + margin))]"
  }

  /// The elements of a row in lines of at most 80 characters.
  private static func wrapped(_ parts: [String], _ margin: String) -> String {
    var (lines, line) = ([String](), "")
    for part in parts {
      if !line.isEmpty, margin.count + line.count + part.count + 2 > 80 {
        lines.append(line + ",")
        line = part
      } else {
        line += line.isEmpty ? part : ", " + part
      }
    }
    return (lines + [line]).joined(separator: "\n" + margin)
  }
}
