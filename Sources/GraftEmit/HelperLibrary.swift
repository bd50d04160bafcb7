package import GraftSyntax
package import OrderedCollections

/// Functions written in the target's language, of which an emitted file carries those that it calls.
///
/// They are kept as source files of their own, so that the language's formatter, linter and tests see them as they are.
package struct HelperLibrary: Sendable {
  package struct Helper: Sendable {
    package var name: String
    /// The definition with its docstring, without surrounding blank lines.
    package var source: String
    /// Identifiers that occur in the source, apart from its docstring.
    package var references: Set<String>

    /// The parameters, with those defaults that are constants.
    package let signature: AntiUnifier.Signature
    /// What calls may leave out, and lines of the source stand or fall with: keyword parameters, and entries of the tree
    /// `params`.
    package let options: Set<String>
    let parameterNames: Set<String>

    /// The options that are entries of the tree.
    var entries: Set<String> { HelperText(source).entries }

    init(name: String, source: String) {
      (self.name, self.source) = (name, source)
      references = Self.identifiers(in: source)
      let parameters = HelperParameter.all(of: name, in: source)
      signature = AntiUnifier.Signature(
        positional: parameters.prefix { !$0.text.hasPrefix("*") }.map(\.name),
        defaults: Dictionary(
          parameters.compactMap { parameter in parameter.defaultValue.map { (parameter.name, $0) } },
          uniquingKeysWith: { a, _ in a }))
      options = HelperText(source).options
      parameterNames = Set(parameters.map(\.name))
    }

    /// The helper for a file that uses its options so; one that is not mentioned is used sometimes.
    func specialised(_ usage: [String: HelperUsage]) -> Helper {
      Helper(name: name, source: HelperText(source).specialised(name: name, usage))
    }

    /// The helper with statements before its last line, the `return`.
    fileprivate func inserting(_ statements: [PythonStatement]) -> Helper {
      guard !statements.isEmpty, let end = source.lastIndex(of: "\n") else { return self }
      let text = PythonRenderer().render(statements, indentation: 1)
      return Helper(name: name, source: source[...end] + text + source[source.index(after: end)...])
    }

    private static func identifiers(in source: String) -> Set<String> {
      var code = source[...]
      if let start = source.firstRange(of: "    \"\"\""),
        let end = source[start.upperBound...].firstRange(of: "\"\"\"")
      {
        code = source[..<start.lowerBound] + source[end.upperBound...]
      }
      return Set(code.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
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
      return Helper(name: name == old ? new : name, source: renamed + rest)
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
        helpers[name] = Helper(name: name, source: block)
      }
    }
    self.helpers = helpers
  }

  init(helpers: [Helper]) {
    self.helpers = OrderedDictionary(helpers.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
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

  /// A helper for a file that uses its options so, with those that it then still calls.
  ///
  /// - Parameter statements: what it does before it returns.
  package func specialised(
    _ name: String, _ usage: [String: HelperUsage], beforeReturn statements: [PythonStatement] = []
  ) -> [Helper] {
    let own = helpers.values.map { helper in
      helper.name == name ? helper.specialised(usage).inserting(statements) : helper
    }
    return HelperLibrary(helpers: own).closure(of: [name])
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
}
