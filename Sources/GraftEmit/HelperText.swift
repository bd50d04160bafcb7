import GraftSyntax

/// How many of the calls of a helper make use of one of its options.
package enum HelperUsage: Hashable, Sendable {
  case never
  case sometimes
  case always
}

/// A helper's source, of which lines stand or fall with the options that a file uses.
///
/// - `stride=stride,  # if stride`: the line goes where the option is not used.
/// - `# if not axes: return x.mean(-1)`: a line that comes where it is not.
/// - `# if not groups: " / groups" -> ""`: what changes in the lines above, such as the docstring.
/// - `# if always bias: ...`: only where no call leaves it out. Conditions may be joined by `and`.
///
/// Options are keyword parameters, and the entries of `params` that the source asks for: a test of one that all trees
/// have, or none, is decided.
struct HelperText {
  private let lines: [String]

  init(_ source: String) {
    lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  var options: Set<String> {
    lines.reduce(into: entries) { names, line in
      guard let condition = Directive(line)?.condition else { return }
      names.formUnion(condition.terms.map(\.option))
    }
  }

  /// The entries of `params` whose presence is asked for.
  var entries: Set<String> {
    var names: Set<String> = []
    for line in lines {
      guard let end = line.firstRange(of: "\" in params") else { continue }
      let before = line[..<end.lowerBound]
      if let start = before.lastIndex(of: "\"") { names.insert(String(before[before.index(after: start)...])) }
    }
    return names
  }

  /// The source for a file that uses options so; an option that is not mentioned is used sometimes.
  func specialised(name: String, _ usage: [String: HelperUsage]) -> String {
    var result: [String] = []
    for line in lines {
      guard let directive = Directive(line) else {
        result.append(line)
        continue
      }
      guard directive.condition.holds(usage) else { continue }
      switch directive.action {
      case .keep(let text): result.append(text)
      case .replace(let old, let new): result = result.map { $0.replacing(old, with: new) }
      }
    }
    var isDecided = false
    for entry in entries.sorted() {
      guard let usage = usage[entry], usage != .sometimes else { continue }
      result = Self.deciding(entry, isPresent: usage == .always, in: result)
      isDecided = true
    }
    if isDecided { result = Self.returningLastValue(result) }
    let dropped = Set(usage.filter { $0.value == .never }.keys).intersection(options)
    return Self.dropping(dropped, of: name, result.joined(separator: "\n"))
  }

  /// Decides the tests `"entry" in params`.
  private static func deciding(_ entry: String, isPresent: Bool, in lines: [String]) -> [String] {
    let test = "if \"\(entry)\" in params"
    var result: [String] = []
    var blockIndentation: Int?
    for line in lines {
      let indentation = line.prefix { $0 == " " }.count
      if let block = blockIndentation {
        if indentation > block {
          if isPresent { result.append(String(line.dropFirst(4))) }
          continue
        }
        blockIndentation = nil
      }
      if line.drop(while: { $0 == " " }) == "\(test):" {
        blockIndentation = indentation
      } else if let range = line.firstRange(of: " \(test) else ") {
        result.append(isPresent ? String(line[..<range.lowerBound]) : head(of: line) + line[range.upperBound...])
      } else {
        result.append(line)
      }
    }
    return result
  }

  /// The indentation and what stands before the value: `    return `, `    out = `.
  private static func head(of line: String) -> String {
    let indentation = line.prefix { $0 == " " }
    let rest = line.dropFirst(indentation.count)
    if rest.hasPrefix("return ") { return "\(indentation)return " }
    guard let equals = rest.firstRange(of: " = ") else { return String(indentation) }
    return "\(indentation)\(rest[..<equals.upperBound])"
  }

  /// The lines with `out = value` and `return out` at the end as `return value`.
  private static func returningLastValue(_ lines: [String]) -> [String] {
    guard let last = lines.last, last.hasPrefix("    return ") else { return lines }
    let name = last.dropFirst("    return ".count)
    let start = lines.dropLast().lastIndex { line in
      line.hasPrefix("    ") && !line.hasPrefix("     ") && !line.hasPrefix("    )")
    }
    guard let start, lines[start].hasPrefix("    \(name) = ") else { return lines }
    var result = Array(lines.dropLast())
    result[start] = "    return " + result[start].dropFirst("    \(name) = ".count)
    return result
  }

  /// The source without some parameters, its header laid out anew.
  private static func dropping(_ names: Set<String>, of function: String, _ source: String) -> String {
    let parameters = HelperParameter.all(of: function, in: source)
    guard parameters.contains(where: { names.contains($0.name) }),
      let start = source.firstRange(of: "def \(function)("),
      let end = source[start.upperBound...].firstRange(of: ":\n"),
      let arrow = source[start.upperBound...].firstRange(of: ") -> ")
    else { return source }
    let kept = parameters.filter { !names.contains($0.name) }
    let positional = kept.prefix { $0.text != "*" }.map(\.syntax)
    let keywordOnly = kept.drop { $0.text != "*" }.dropFirst().map(\.syntax)
    let header = PythonFunction(
      function, PythonParameters(positional, keywordOnly: keywordOnly),
      returns: .name(String(source[arrow.upperBound..<end.lowerBound])), body: [.pass])
    let text = PythonStatement.function(header).rendered.split(separator: "\n").dropLast().joined(separator: "\n")
    return source[..<start.lowerBound] + text + "\n" + source[end.upperBound...]
  }
}

/// What a line's comment says of when the line is there.
private struct Directive {
  enum Action {
    case keep(String)
    case replace(String, with: String)
  }

  var condition: Condition
  var action: Action

  init?(_ line: String) {
    let indentation = line.prefix { $0 == " " }
    let text = line.dropFirst(indentation.count)
    if text.hasPrefix("# if "), let colon = text.firstRange(of: ": ") {
      condition = Condition(text[..<colon.lowerBound].dropFirst("# if ".count))
      let rest = text[colon.upperBound...]
      if let arrow = rest.firstRange(of: "\" -> \""), rest.hasPrefix("\""), rest.hasSuffix("\"") {
        action = .replace(
          String(rest[..<arrow.lowerBound].dropFirst()), with: String(rest[arrow.upperBound...].dropLast()))
      } else {
        action = .keep("\(indentation)\(rest)")
      }
    } else if let tag = line.ranges(of: "  # if ").last {
      condition = Condition(line[tag.upperBound...])
      action = .keep(String(line[..<tag.lowerBound]))
    } else {
      return nil
    }
  }
}

/// `stride`, `not bias`, `always bias and not groups`
private struct Condition {
  struct Term {
    var option: String
    var isNegated: Bool
    var isAlways: Bool
  }

  let terms: [Term]

  init(_ text: Substring) {
    terms = text.split(separator: " and ").compactMap { term in
      let words = term.split(separator: " ")
      return words.last.map {
        Term(option: String($0), isNegated: words.first == "not", isAlways: words.dropLast().contains("always"))
      }
    }
  }

  func holds(_ usage: [String: HelperUsage]) -> Bool {
    terms.allSatisfy { term in
      let own = usage[term.option] ?? .sometimes
      return (term.isAlways ? own == .always : own != .never) != term.isNegated
    }
  }
}
