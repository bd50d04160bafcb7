/// Columns of text, padded to the same width; the last is left as it is.
struct TextTable {
  var rows: [[String]] = []
  /// Columns with numbers, which stand at the right.
  var rightAligned: Set<Int> = []
  var indent = 0

  mutating func add(_ cells: String...) { rows.append(cells) }

  var lines: [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        if rightAligned.contains(column) { return padding + cell }
        return column == row.count - 1 ? cell : cell + padding
      }
      let text = String(repeating: " ", count: indent) + cells.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
  }
}

/// Numbers as people read them.
enum Quantity {
  /// `11,689,512`.
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var groups: [Substring] = []
    var rest = Substring(digits)
    while rest.count > 3 {
      groups.insert(rest.suffix(3), at: 0)
      rest = rest.dropLast(3)
    }
    groups.insert(rest, at: 0)
    return (value < 0 ? "-" : "") + groups.joined(separator: ",")
  }

  /// `44.6 MiB`.
  static func bytes(_ value: Int) -> String { scaled(value, by: 1024, ["B", "KiB", "MiB", "GiB", "TiB"]) }

  /// `3.6 GFLOP`.
  static func flops(_ value: Int) -> String {
    scaled(value, by: 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"])
  }

  private static func scaled(_ value: Int, by step: Double, _ units: [String]) -> String {
    var (number, unit) = (Double(value), 0)
    while number >= step, unit + 1 < units.count {
      number /= step
      unit += 1
    }
    if unit == 0 { return "\(value) \(units[0])" }
    // One decimal, written without a locale.
    let tenths = Int((number * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
