package import GraftSyntax
import OrderedCollections

/// Which helpers emitted functions call, and whether the trees passed to them hold what a helper may ask for.
package struct HelperUses: Sendable {
  private(set) var entries: OrderedDictionary<String, [String: HelperUsage]> = [:]

  package init() {}

  package var names: [String] { Array(entries.keys) }

  /// Notes a call.
  ///
  /// - Parameter present: for entries of the tree that is passed, whether it has them; others are not known.
  package mutating func note(_ name: String, present: [String: Bool]) {
    merge(name, present.mapValues { $0 ? .always : .never })
  }

  package mutating func formUnion(_ other: HelperUses) {
    for (name, usage) in other.entries { merge(name, usage) }
  }

  private mutating func merge(_ name: String, _ usage: [String: HelperUsage]) {
    guard let known = entries[name] else {
      entries[name] = usage
      return
    }
    var merged: [String: HelperUsage] = [:]
    for (entry, own) in usage {
      if let before = known[entry] { merged[entry] = before == own ? own : .sometimes }
    }
    entries[name] = merged
  }
}

extension HelperLibrary {
  /// The helpers with those that they call, each with only those options that the calls use.
  ///
  /// - Parameters:
  ///   - functions: all that calls them.
  ///   - name: what a helper is called in the file.
  package func trimmed(
    _ uses: HelperUses, calledIn functions: [PythonFunction], name: (String) -> String
  ) -> [Helper] {
    let calls = CallSurvey(functions)
    let all = closure(of: uses.names)
    let trimmed = HelperLibrary(
      helpers: all.map { helper in
        if all.contains(where: { $0.name != helper.name && $0.references.contains(helper.name) }) {
          return helper.specialised([:])
        }
        let entries = uses.entries[helper.name] ?? [:]
        let usage = helper.options.map { option in
          let isParameter = helper.parameterNames.contains(option)
          return (option, isParameter ? calls.usage(of: option, in: helper, as: name(helper.name)) : entries[option])
        }
        return helper.specialised(
          Dictionary(usage.compactMap { option, usage in usage.map { (option, $0) } }, uniquingKeysWith: { a, _ in a }))
      })
    return trimmed.closure(of: uses.names)
  }
}

/// What is passed to functions by keyword, and how many arguments by position.
private struct CallSurvey {
  private var keywords: [String: Set<String>] = [:]
  private var positional: [String: Int] = [:]
  /// Functions that are passed around, or called with arguments that cannot be told.
  private var unknown: Set<String> = []

  init(_ functions: [PythonFunction]) {
    for function in functions {
      _ = PythonStatement.function(function).mapExpressions { expression in
        visit(expression)
        return expression
      }
    }
  }

  private mutating func visit(_ expression: PythonExpression) {
    switch expression {
    case .name(let name): unknown.insert(name)
    case .call(.name(let name), let arguments):
      var count = 0
      for argument in arguments {
        switch argument {
        case .positional(.starred), .unpackedKeywords: unknown.insert(name)
        case .positional: count += 1
        case .keyword(let keyword, _): keywords[name, default: []].insert(keyword)
        }
        visit(argument.value)
      }
      positional[name] = max(positional[name] ?? 0, count)
    default: for child in expression.children { visit(child) }
    }
  }

  func usage(of parameter: String, in helper: HelperLibrary.Helper, as name: String) -> HelperUsage {
    let position = helper.signature.positional.firstIndex(of: parameter)
    let isPassed =
      unknown.contains(name) || keywords[name]?.contains(parameter) == true
      || position.map { $0 < positional[name] ?? 0 } == true
    return isPassed ? .always : .never
  }
}
