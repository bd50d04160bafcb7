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
  /// The helpers with those that they call, each with only those options that the calls use, and the functions without
  /// the arguments that all calls agree on.
  ///
  /// - Parameters:
  ///   - functions: all that calls them.
  ///   - name: what a helper is called in the file.
  package func trimmed(
    _ uses: HelperUses, calledIn functions: [PythonFunction], name: (String) -> String
  ) -> (helpers: [Helper], functions: [PythonFunction]) {
    let calls = CallSurvey(functions)
    let all = closure(of: uses.names)
    let agreement = CallAgreement(all, calls, name: name)
    let trimmed = HelperLibrary(
      helpers: all.map { helper in
        let agreed = agreement.usages(of: helper)
        if all.contains(where: { $0.name != helper.name && $0.references.contains(helper.name) }) {
          return helper.specialised(agreed)
        }
        let entries = uses.entries[helper.name] ?? [:]
        let usage = helper.options.compactMap { option -> (String, HelperUsage)? in
          let isParameter = helper.parameterNames.contains(option)
          let own = isParameter ? calls.usage(of: option, in: helper, as: name(helper.name)) : entries[option]
          return own.map { (option, $0) }
        }
        return helper.specialised(
          Dictionary(usage, uniquingKeysWith: { a, _ in a }).merging(agreed, uniquingKeysWith: { _, new in new }))
      })
    return (trimmed.closure(of: uses.names), functions.map(agreement.leavingOut))
  }
}

/// What is passed to functions.
struct CallSurvey {
  private struct Call {
    var positional: [PythonExpression] = []
    var keywords: [String: PythonExpression] = [:]
  }

  private var calls: [String: [Call]] = [:]
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
      var call = Call()
      for argument in arguments {
        switch argument {
        case .positional(.starred), .unpackedKeywords: unknown.insert(name)
        case .positional(let value): call.positional.append(value)
        case .keyword(let keyword, let value): call.keywords[keyword] = value
        }
        visit(argument.value)
      }
      calls[name, default: []].append(call)
    default: for child in expression.children { visit(child) }
    }
  }

  /// What each call passes for a parameter, nil where that is nothing or `None`; nil if not all calls are known.
  func values(
    of parameter: String, in helper: HelperLibrary.Helper, as name: String
  ) -> [PythonExpression?]? {
    if unknown.contains(name) { return nil }
    let position = helper.signature.positional.firstIndex(of: parameter)
    return (calls[name] ?? []).map { call in
      let value =
        call.keywords[parameter]
        ?? position.flatMap { call.positional.indices.contains($0) ? call.positional[$0] : nil }
      return value == PythonExpression.none ? nil : value
    }
  }

  func usage(of parameter: String, in helper: HelperLibrary.Helper, as name: String) -> HelperUsage {
    guard let values = values(of: parameter, in: helper, as: name) else { return .sometimes }
    if values.allSatisfy({ $0 == nil }) { return .never }
    return values.contains(nil) ? .sometimes : .always
  }
}
