import GraftIR

/// A parsed ``Spelling``: the function, method or operator, and where each of its arguments comes from.
///
/// The text is a call in the framework's own parameter names: `jax.numpy.sum(x, axis:axes=None, keepdims=False)`.
/// A parameter takes the operand or attribute of the same name, or the one behind the colon; what follows `=` is the
/// framework's default, at which the argument is left out. `x.sum(...)` is a method of an operand, `x + y`, `-x` an
/// operator. A parameter `name='literal` always gets that literal.
package struct CallTemplate: Sendable, Hashable {
  package enum Callee: Sendable, Hashable {
    case function(String)
    case method(of: String, name: String)
    case infix(String)
    case prefix(String)
  }

  package struct Parameter: Sendable, Hashable {
    /// The framework's name of the parameter.
    package var name: String
    /// The op's operand or attribute; nil for a literal.
    package var source: String?
    /// The framework's default, as Python text.
    package var defaultText: String?
    package var isKeyword: Bool
  }

  package var callee: Callee
  package var parameters: [Parameter]

  /// - Throws: ``Diagnostic`` when the text is not of the form above.
  package init(parsing text: String) throws {
    let words = text.split(separator: " ").map(String.init)
    if words.count == 3, !text.contains("("), Self.operators.contains(words[1]) {
      callee = .infix(words[1])
      parameters = [Parameter(operand: words[0]), Parameter(operand: words[2])]
    } else if let first = text.first, "-~".contains(first) {
      callee = .prefix(String(first))
      parameters = [Parameter(operand: String(text.dropFirst()))]
    } else {
      guard let open = text.firstIndex(of: "("), text.last == ")" else {
        throw Diagnostic(.internalError, "the spelling `\(text)` is not a call")
      }
      let name = String(text[..<open])
      let path = name.split(separator: ".").map(String.init)
      if path.count == 2, path[0].count == 1 {
        callee = .method(of: path[0], name: path[1])
      } else {
        callee = .function(name)
      }
      let inner = text[text.index(after: open)...].dropLast()
      parameters = try Self.splitArguments(inner).map { try Parameter(parsing: $0) }
    }
  }

  static let operators: Set<String> = [
    "+", "-", "*", "/", "//", "%", "**", "@", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^", "<<", ">>",
  ]

  private static func splitArguments(_ text: Substring) throws -> [Substring] {
    var parts: [Substring] = []
    var depth = 0
    var start = text.startIndex
    for index in text.indices {
      switch text[index] {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "," where depth == 0:
        parts.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    if depth != 0 { throw Diagnostic(.internalError, "the spelling's brackets do not match: \(text)") }
    if !text[start...].allSatisfy(\.isWhitespace) { parts.append(text[start...]) }
    return parts.map { $0.trimmed }
  }
}

extension CallTemplate.Parameter {
  init(operand: String) { self.init(name: operand, source: operand, defaultText: nil, isKeyword: false) }

  /// `name`, `name:source`, `name=default`, `name:source=default`, `name='literal`.
  init(parsing text: Substring) throws {
    let halves = text.split(separator: "=", maxSplits: 1).map(\.trimmed)
    guard let left = halves.first, !left.isEmpty else {
      throw Diagnostic(.internalError, "an empty parameter: \(text)")
    }
    let names = left.split(separator: ":", maxSplits: 1).map { String($0.trimmed) }
    if halves.count == 2, halves[1].first == "'" {
      self.init(name: names[0], source: nil, defaultText: String(halves[1].dropFirst()), isKeyword: true)
      return
    }
    self.init(
      name: names[0], source: names.last, defaultText: halves.count == 2 ? String(halves[1]) : nil,
      isKeyword: halves.count == 2)
  }
}

extension Substring {
  var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
