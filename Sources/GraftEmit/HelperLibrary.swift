import GraftSyntax
package import OrderedCollections

/// Functions written in the target's language, of which an emitted file carries those that it calls.
///
/// They are kept as source files of their own, so that the language's formatter, linter and tests see them as they are.
package struct HelperLibrary: Sendable {
  package struct Helper: Sendable {
    package var name: String
    /// The definition with its docstring, without surrounding blank lines.
    package var source: String
    /// Identifiers that occur in the source.
    package var references: Set<String>

    /// The parameters, with those defaults that are constants.
    package let signature: AntiUnifier.Signature

    fileprivate init(name: String, source: String, references: Set<String>) {
      (self.name, self.source, self.references) = (name, source, references)
      signature = Self.signature(of: name, in: source)
    }

    private static func signature(of name: String, in source: String) -> AntiUnifier.Signature {
      var positional: [String] = []
      var defaults: [String: PythonExpression] = [:]
      var isPositional = true
      guard let start = source.firstRange(of: "def \(name)(")?.upperBound else {
        return AntiUnifier.Signature(positional: [], defaults: [:])
      }
      var depth = 1
      var parameter = ""
      func take() {
        let text = parameter.trimmingPrefix { $0.isWhitespace }
        if text.hasPrefix("*") { isPositional = false }
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        if let name = parts.first?.split(separator: ":").first.map(String.init), !name.hasPrefix("*") {
          if isPositional { positional.append(name) }
          if parts.count == 2 { defaults[name] = PythonExpression(constant: parts[1]) }
        }
        parameter = ""
      }
      for character in source[start...] {
        if "([{".contains(character) { depth += 1 }
        if ")]}".contains(character) { depth -= 1 }
        if depth == 0 { break }
        if character == ",", depth == 1 { take() } else { parameter.append(character) }
      }
      take()
      return AntiUnifier.Signature(positional: positional, defaults: defaults)
    }

    /// The helper with another one, which it defines or calls, under another name.
    package func renaming(_ old: String, to new: String) -> Helper {
      guard references.contains(old) else { return self }
      var renamed = ""
      var rest = source[...]
      while let range = rest.firstRange(of: old + "(") {
        let before = range.lowerBound == source.startIndex ? " " : source[source.index(before: range.lowerBound)]
        let isWhole = !(before.isLetter || before.isNumber || before == "_" || before == ".")
        renamed += rest[..<range.lowerBound] + (isWhole ? new : old) + "("
        rest = rest[range.upperBound...]
      }
      return Helper(name: name == old ? new : name, source: renamed + rest, references: references)
    }
  }

  /// What a helper is called in a file: by its own name, unless the file's main function has that one.
  package static func name(of helper: String, beside main: String) -> String { helper == main ? "_\(helper)" : helper }

  package let helpers: OrderedDictionary<String, Helper>

  /// Reads the top-level functions of Python source files.
  package init(sources: [String]) {
    var helpers: OrderedDictionary<String, Helper> = [:]
    for source in sources {
      for block in Self.definitions(in: source) {
        guard let name = Self.name(of: block) else { continue }
        helpers[name] = Helper(name: name, source: block, references: Self.identifiers(in: block))
      }
    }
    self.helpers = helpers
  }

  /// The named helpers with those they call, in the library's order.
  package func closure(of names: some Sequence<String>) -> [Helper] {
    var wanted: Set<String> = []
    var open = Array(names)
    while let name = open.popLast() {
      guard let helper = helpers[name], wanted.insert(name).inserted else { continue }
      open += helper.references.filter { helpers[$0] != nil && $0 != name }
    }
    return helpers.values.filter { wanted.contains($0.name) }
  }

  private static func definitions(in source: String) -> [String] {
    var blocks: [[Substring]] = []
    var isOpen = false
    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      let startsDefinition = line.hasPrefix("def ") || line.hasPrefix("@")
      let continues = line.isEmpty || line.first == " " || line.first == ")"
      if startsDefinition, !(isOpen && blocks.last?.last?.hasPrefix("@") == true) {
        blocks.append([line])
        isOpen = true
      } else if isOpen, continues || startsDefinition {
        blocks[blocks.count - 1].append(line)
      } else {
        isOpen = false
      }
    }
    return blocks.map { lines in
      var lines = lines
      while lines.last?.isEmpty == true { lines.removeLast() }
      return lines.joined(separator: "\n")
    }
  }

  private static func name(of block: String) -> String? {
    guard let range = block.split(separator: "\n").first(where: { $0.hasPrefix("def ") }) else { return nil }
    return range.dropFirst(4).split(separator: "(").first.map(String.init)
  }

  private static func identifiers(in block: String) -> Set<String> {
    Set(block.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
  }
}

extension PythonExpression {
  /// A number or truth value as Python writes it; nil for anything else.
  fileprivate init?(constant text: String) {
    let text = String(text.drop { $0 == " " }.reversed().drop { $0.isWhitespace }.reversed())
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
