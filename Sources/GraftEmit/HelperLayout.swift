import GraftSyntax

/// The layout of a helper's source from which lines were left out: what stood one item per line for their sake, and now
/// fits on fewer lines, is laid out as the formatter does without a trailing comma.
enum HelperLayout {
  private static let indentWidth = 4

  /// The lines with each bracket whose items stand one per line joined where that fits.
  static func joined(_ lines: [String]) -> [String] {
    var result: [String] = []
    var index = 0
    while index < lines.count {
      if let block = Block(lines[index...]) {
        result += block.shortest
        index += block.lineCount
      } else {
        result.append(lines[index])
        index += 1
      }
    }
    return result
  }

  /// `out = function(`, items with a comma each, and `)`.
  private struct Block {
    private let head: String
    private let items: [String]
    private let indentation: Int

    init?(_ lines: ArraySlice<String>) {
      guard let head = lines.first, head.hasSuffix("("), !head.hasPrefix("def "), head.filter({ $0 == "(" }).count == 1
      else { return nil }
      indentation = head.prefix { $0 == " " }.count
      let inner = String(repeating: " ", count: indentation + indentWidth)
      let body = lines.dropFirst().prefix { $0.hasPrefix(inner) && !$0.hasPrefix(inner + " ") && $0.hasSuffix(",") }
      let closing = lines.dropFirst(1 + body.count).first
      guard !body.isEmpty, closing == String(repeating: " ", count: indentation) + ")",
        body.allSatisfy({ !$0.contains("#") && Self.isBalanced($0) })
      else { return nil }
      self.head = head
      items = body.map { String($0.dropFirst(inner.count)) }
    }

    var lineCount: Int { items.count + 2 }

    var shortest: [String] {
      let inner = items.joined(separator: " ").dropLast()
      let whole = "\(head)\(inner))"
      let spaces = String(repeating: " ", count: indentation)
      let broken = [head, "\(spaces)\(String(repeating: " ", count: indentWidth))\(inner)", "\(spaces))"]
      if whole.count <= PythonRenderer.defaultLineWidth { return [whole] }
      if broken[1].count <= PythonRenderer.defaultLineWidth { return broken }
      return [head] + items.map { "\(spaces)\(String(repeating: " ", count: indentWidth))\($0)" } + ["\(spaces))"]
    }

    private static func isBalanced(_ line: String) -> Bool {
      var depth = 0
      for character in line {
        if "([{".contains(character) { depth += 1 }
        if ")]}".contains(character) { depth -= 1 }
        if depth < 0 { return false }
      }
      return depth == 0
    }
  }
}
