import GraftSyntax

/// A parameter of a helper, as its source writes it: `stride: int = 1`, or a bare `*`.
struct HelperParameter {
  let text: String

  var name: String { text.split(separator: ":").first.map(String.init) ?? text }

  /// A default that is a constant.
  var defaultValue: PythonExpression? { parts.count == 2 ? PythonExpression(constant: parts[1]) : nil }

  /// The annotation and the default as text in a tree.
  var syntax: PythonParameter {
    PythonParameter(
      name, annotation: annotation.map { .name($0) }, default: parts.count == 2 ? .name(parts[1]) : nil)
  }

  /// The same with another default, which cannot be `None` if that one is not.
  func syntax(default value: PythonExpression) -> PythonParameter {
    PythonParameter(name, annotation: annotation.map { .name(Self.withoutNone($0)) }, default: value)
  }

  /// The same without a default.
  var requiredSyntax: PythonParameter {
    PythonParameter(name, annotation: annotation.map { .name(Self.withoutNone($0)) })
  }

  private var annotation: String? {
    parts.first?.split(separator: ":", maxSplits: 1).dropFirst().first.map { Self.trimmed(String($0)) }
  }

  private static func withoutNone(_ annotation: String) -> String {
    annotation.hasSuffix(" | None") ? String(annotation.dropLast(" | None".count)) : annotation
  }

  private var parts: [String] { text.split(separator: "=", maxSplits: 1).map { Self.trimmed(String($0)) } }

  private static func trimmed(_ text: String) -> String {
    String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }

  /// The parameters of the function that a source defines.
  static func all(of function: String, in source: String) -> [HelperParameter] {
    guard let start = source.firstRange(of: "def \(function)(")?.upperBound else { return [] }
    var parameters: [HelperParameter] = []
    var depth = 1
    var text = ""
    func take() {
      let own = trimmed(text)
      if !own.isEmpty { parameters.append(HelperParameter(text: own)) }
      text = ""
    }
    for character in source[start...] {
      if "([{".contains(character) { depth += 1 }
      if ")]}".contains(character) { depth -= 1 }
      if depth == 0 { break }
      if character == ",", depth == 1 { take() } else { text.append(character) }
    }
    take()
    return parameters
  }
}

extension PythonExpression {
  /// A number or truth value as Python writes it; nil for anything else.
  fileprivate init?(constant text: String) {
    switch text {
    case "True": self = .boolean(true)
    case "False": self = .boolean(false)
    case "None": self = .none
    default:
      if let integer = Int(text) {
        self = .integer(integer)
      } else if let number = Double(text) {
        self = .float(number)
      } else {
        return nil
      }
    }
  }
}
