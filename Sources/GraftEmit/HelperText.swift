package import GraftSyntax

/// How many of the calls of a helper make use of one of its options.
package enum HelperUsage: Hashable, Sendable {
  case never
  case sometimes
  case always
  /// All of them, and with the same constant, which no call has to pass any more.
  case fixed(PythonExpression)

  var isFixed: Bool { if case .fixed = self { true } else { false } }
}

/// A helper's source, of which lines stand or fall with the options that a file uses.
///
/// - `stride=stride,  # if stride`: the line goes where the option is not used.
/// - `# if not axes: return x.mean(-1)`: a line that comes where it is not.
/// - `# if not groups: " / groups" -> ""`: what changes in the lines above, such as the docstring.
/// - `# if always bias: ...`: only where no call leaves it out; `some` where some do, `fixed` where all pass the same
///   constant, `varied` where not all do. Conditions may be joined by `and`.
///
/// Options are keyword parameters, and the entries of `params` that the source asks for: a test of one that all trees
/// have, or none, is decided. So is one of a switch that all calls turn on. Another constant that all pass is the
/// parameter's default, or stands in its place if the source has a condition for that.
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
      result = Self.deciding("if \"\(entry)\" in params", isTrue: usage != .never, in: result)
      isDecided = true
    }
    if isDecided { result = Self.returningLastValue(result) }
    var header = HelperHeader(dropping: Set(usage.filter { $0.value == .never }.keys).intersection(options))
    for (option, usage) in usage.sorted(by: { $0.key < $1.key }) {
      if usage == .always, mentions("always \(option)") { header.required.insert(option) }
      guard case .fixed(let value) = usage else { continue }
      if value == true { result = Self.deciding("if \(option)", isTrue: true, in: result) }
      if mentions("fixed \(option)") { result = Self.writing(value, for: option, in: result) }
      if value.isSwitch || mentions("fixed \(option)"), !Self.body(of: result).contains(where: { $0.reads(option) }) {
        header.dropped.insert(option)
      } else {
        header.defaults[option] = value
      }
    }
    if lines.contains(where: { Directive($0) != nil }) { result = HelperLayout.joined(result) }
    return header.replacing(headerOf: name, in: result.joined(separator: "\n"))
  }

  private func mentions(_ condition: String) -> Bool { lines.contains { $0.contains(condition) } }

  private static func body(of lines: [String]) -> ArraySlice<String> {
    lines.drop { !$0.hasSuffix(":") || $0.hasPrefix("    ") }.dropFirst()
  }

  /// The lines with a constant in the place of a parameter; a factor of 1 is left out.
  private static func writing(_ value: PythonExpression, for option: String, in lines: [String]) -> [String] {
    let body = body(of: lines)
    return lines.dropLast(body.count)
      + body.map { $0.replacingName(option, by: value.rendered).replacing(" * 1.0", with: "") }
  }

  /// Decides a test, `if "bias" in params`.
  private static func deciding(_ test: String, isTrue: Bool, in lines: [String]) -> [String] {
    var result: [String] = []
    var blockIndentation: Int?
    for line in lines {
      let indentation = line.prefix { $0 == " " }.count
      if let block = blockIndentation {
        if indentation > block {
          if isTrue { result.append(String(line.dropFirst(4))) }
          continue
        }
        blockIndentation = nil
      }
      if line.drop(while: { $0 == " " }) == "\(test):" {
        blockIndentation = indentation
      } else if let range = line.firstRange(of: " \(test) else ") {
        result.append(isTrue ? String(line[..<range.lowerBound]) : head(of: line) + line[range.upperBound...])
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
}

/// How a helper's header differs from its source's.
private struct HelperHeader {
  var dropped: Set<String>
  /// Parameters that every call passes.
  var required: Set<String> = []
  var defaults: [String: PythonExpression] = [:]

  init(dropping dropped: Set<String>) { self.dropped = dropped }

  /// The source with this header, laid out anew.
  func replacing(headerOf function: String, in source: String) -> String {
    let parameters = HelperParameter.all(of: function, in: source)
    let changed = dropped.union(required).union(defaults.keys)
    guard parameters.contains(where: { changed.contains($0.name) }),
      let start = source.firstRange(of: "def \(function)("),
      let end = source[start.upperBound...].firstRange(of: ":\n"),
      let arrow = source[start.upperBound...].firstRange(of: ") -> ")
    else { return source }
    let kept = parameters.filter { !dropped.contains($0.name) }
    let positional = kept.prefix { $0.text != "*" }.map(parameter)
    let keywordOnly = kept.drop { $0.text != "*" }.dropFirst().map(parameter)
    let header = PythonFunction(
      function, PythonParameters(positional, keywordOnly: keywordOnly),
      returns: .name(String(source[arrow.upperBound..<end.lowerBound])), body: [.pass])
    let text = PythonStatement.function(header).rendered.split(separator: "\n").dropLast().joined(separator: "\n")
    return source[..<start.lowerBound] + text + "\n" + source[end.upperBound...]
  }

  private func parameter(_ source: HelperParameter) -> PythonParameter {
    if let value = defaults[source.name] { return source.syntax(default: value) }
    return required.contains(source.name) ? source.requiredSyntax : source.syntax
  }
}

extension PythonExpression {
  fileprivate var isSwitch: Bool { self == true }
}

extension String {
  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  /// Whether the text has the name as a word of its own.
  fileprivate func reads(_ name: String) -> Bool { replacingName(name, by: "") != self }

  fileprivate func replacingName(_ name: String, by text: String) -> String {
    var result = ""
    var rest = self[...]
    while let range = rest.firstRange(of: name) {
      let isWhole =
        !(rest[..<range.lowerBound].last.map(Self.isWord) ?? false)
        && !(rest[range.upperBound...].first.map(Self.isWord) ?? false)
      result += rest[..<range.lowerBound] + (isWhole ? text : name)
      rest = rest[range.upperBound...]
    }
    return result + rest
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
    /// `always`, `some`, `fixed` or `varied`; nil for any use.
    var extent: Substring?
  }

  let terms: [Term]

  init(_ text: Substring) {
    terms = text.split(separator: " and ").compactMap { term in
      let words = term.split(separator: " ")
      return words.last.map {
        Term(option: String($0), isNegated: words.first == "not", extent: words.dropLast().last { $0 != "not" })
      }
    }
  }

  func holds(_ usage: [String: HelperUsage]) -> Bool {
    terms.allSatisfy { term in
      let own = usage[term.option] ?? .sometimes
      let holds =
        switch term.extent {
        case "always": own == .always || own.isFixed
        case "some": own == .sometimes
        case "fixed": own.isFixed
        case "varied": own != .never && !own.isFixed
        default: own != .never
        }
      return holds != term.isNegated
    }
  }
}
