/// How Python writes numbers and strings.
enum PythonLiteral {
  /// The shortest decimal that reads back as `value`, as `repr` chooses it but with the exponent as people write it:
  /// `0.1`, `1e-5`, `1e16`. The value is finite and not negative.
  static func float(_ value: Double) -> String {
    let (digits, pointPosition) = shortestDigits(value)
    let exponent = pointPosition - 1
    if exponent < -4 || exponent >= 16 {
      let fraction = digits.count > 1 ? "." + String(digits.dropFirst()) : ""
      return String(digits.prefix(1)) + fraction + "e" + String(exponent)
    }
    if pointPosition <= 0 {
      return "0." + String(repeating: "0", count: -pointPosition) + digits
    }
    if pointPosition >= digits.count {
      return digits + String(repeating: "0", count: pointPosition - digits.count) + ".0"
    }
    return String(digits.prefix(pointPosition)) + "." + String(digits.dropFirst(pointPosition))
  }

  /// The significant digits, and the position of the decimal point relative to their start.
  private static func shortestDigits(_ value: Double) -> (digits: String, pointPosition: Int) {
    let parts = value.description.split(separator: "e", maxSplits: 1)
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts.first.map(String.init) ?? "0"
    let halves = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let whole = halves.first.map(String.init) ?? ""
    let fraction = halves.count > 1 ? String(halves[1]) : ""
    let all = whole + fraction
    let leadingZeros = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leadingZeros))
    while digits.hasSuffix("0") { digits.removeLast() }
    if digits.isEmpty { return ("0", 1) }
    return (digits, whole.count - leadingZeros + exponent)
  }

  /// A one-line string literal in double quotes, or in single quotes if that needs fewer escapes.
  static func string(_ value: String) -> String {
    let doubles = value.unicodeScalars.count { $0 == "\"" }
    let singles = value.unicodeScalars.count { $0 == "'" }
    let quote: Unicode.Scalar = doubles > singles ? "'" : "\""
    var text = String(quote)
    for scalar in value.unicodeScalars {
      if scalar == quote { text += "\\" }
      text += escaped(scalar)
    }
    return text + String(quote)
  }

  /// A formatted string in double quotes, or in single quotes where a value has double quotes itself.
  static func formattedString(_ parts: [PythonFormatPart]) -> String {
    let values = parts.compactMap(\.value).map { PythonRenderer(lineWidth: 1_000_000).render($0) }
    let quote: Unicode.Scalar = values.contains { $0.contains("\"") } ? "'" : "\""
    var next = values.makeIterator()
    var text = "f" + String(quote)
    for part in parts {
      switch part {
      case .text(let words):
        for scalar in words.unicodeScalars {
          if scalar == quote { text += "\\" }
          text += scalar == "{" || scalar == "}" ? "\(scalar)\(scalar)" : escaped(scalar)
        }
      case .value(let value):
        let needsSpace = if case .dictionary = value { true } else if case .set = value { true } else { false }
        text += needsSpace ? "{ \(next.next() ?? "") }" : "{\(next.next() ?? "")}"
      }
    }
    return text + String(quote)
  }

  /// A character as it appears inside a literal, except that quotes are left alone.
  static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\\": return "\\\\"
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned,
      .nonspacingMark, .enclosingMark, .spacingMark:
      return codePoint(scalar.value)
    case .spaceSeparator where scalar != " ": return codePoint(scalar.value)
    default: return String(scalar)
    }
  }

  private static func codePoint(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    func padded(_ count: Int) -> String { String(repeating: "0", count: max(0, count - digits.count)) + digits }
    return value < 0x100 ? "\\x" + padded(2) : value < 0x10000 ? "\\u" + padded(4) : "\\U" + padded(8)
  }
}
