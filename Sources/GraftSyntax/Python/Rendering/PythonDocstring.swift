/// Docstrings as Python style writes them.
enum PythonDocstring {
  /// The lines of the string literal for `text`, without the statement's indentation; none if there is no text.
  ///
  /// Spaces at line ends and around the whole are dropped, as is the indentation that all lines but the first share.
  /// With more than one line, the closing quotes stand on a line of their own.
  static func lines(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { cleaned($0) }
    while lines.first?.isEmpty == true { lines.removeFirst() }
    while lines.last?.isEmpty == true { lines.removeLast() }
    guard let first = lines.first else { return [] }
    let rest = lines.dropFirst()
    let shared = rest.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    var head = String(first.drop { $0 == " " })
    if head.hasPrefix("\"") { head = " " + head }
    if rest.isEmpty {
      return ["\"\"\"" + head + (endsInQuote(head) ? " " : "") + "\"\"\""]
    }
    return ["\"\"\"" + head] + rest.map { String($0.dropFirst(shared)) } + ["\"\"\""]
  }

  /// Whether the line ends in a quote that is not escaped.
  private static func endsInQuote(_ line: String) -> Bool {
    guard line.hasSuffix("\"") else { return false }
    return line.dropLast().reversed().prefix { $0 == "\\" }.count.isMultiple(of: 2)
  }

  /// A line with what would end the literal escaped, tabs expanded, and no spaces at its end.
  private static func cleaned(_ line: Substring) -> String {
    var text = ""
    for scalar in line.unicodeScalars {
      switch scalar {
      case "\t": text += "    "
      case "\r": continue
      case "\"" where text.hasSuffix("\"\""): text += "\\\""
      default: text += PythonLiteral.escaped(scalar)
      }
    }
    while text.hasSuffix(" ") { text.removeLast() }
    return text
  }
}
