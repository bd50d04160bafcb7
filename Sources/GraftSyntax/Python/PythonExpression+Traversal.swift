extension PythonExpression {
  /// The expressions directly inside this one, in the order they are written.
  package var children: [PythonExpression] {
    switch self {
    case .name, .integer, .float, .string, .boolean, .none, .ellipsis: return []
    case .formattedString(let parts): return parts.compactMap(\.value)
    case .tuple(let items), .list(let items), .set(let items), .logical(_, let items): return items
    case .dictionary(let entries): return entries.flatMap { ($0.key.map { [$0] } ?? []) + [$0.value] }
    case .attribute(let value, _), .starred(let value), .unary(_, let value), .parenthesized(let value):
      return [value]
    case .call(let function, let arguments): return [function] + arguments.map(\.value)
    case .subscript(let value, let index): return [value, index]
    case .slice(let lower, let upper, let step): return [lower, upper, step].compactMap { $0 }
    case .binary(let left, _, let right): return [left, right]
    case .comparison(let first, let rest): return [first] + rest.map(\.operand)
    case .conditional(let body, let test, let orElse): return [body, test, orElse]
    case .lambda(let parameters, let body): return parameters.all.compactMap(\.defaultValue) + [body]
    case .comprehension(let comprehension): return comprehension.children
    }
  }

  /// The same expression with each direct child replaced.
  package func mapChildren(_ transform: (PythonExpression) -> PythonExpression) -> PythonExpression {
    switch self {
    case .name, .integer, .float, .string, .boolean, .none, .ellipsis: return self
    case .formattedString(let parts): return .formattedString(parts.map { $0.mapValue(transform) })
    case .tuple(let items): return .tuple(items.map(transform))
    case .list(let items): return .list(items.map(transform))
    case .set(let items): return .set(items.map(transform))
    case .logical(let symbol, let items): return .logical(symbol, items.map(transform))
    case .dictionary(let entries):
      return .dictionary(
        entries.map { PythonDictionaryEntry(key: $0.key.map(transform), value: transform($0.value)) })
    case .attribute(let value, let name): return .attribute(transform(value), name)
    case .starred(let value): return .starred(transform(value))
    case .unary(let symbol, let value): return .unary(symbol, transform(value))
    case .parenthesized(let value): return .parenthesized(transform(value))
    case .call(let function, let arguments):
      return .call(transform(function), arguments.map { $0.mapValue(transform) })
    case .subscript(let value, let index): return .subscript(transform(value), transform(index))
    case .slice(let lower, let upper, let step):
      return .slice(lower: lower.map(transform), upper: upper.map(transform), step: step.map(transform))
    case .binary(let left, let symbol, let right): return .binary(transform(left), symbol, transform(right))
    case .comparison(let first, let rest):
      return .comparison(transform(first), rest.map { PythonComparison($0.operator, transform($0.operand)) })
    case .conditional(let body, let test, let orElse):
      return .conditional(body: transform(body), test: transform(test), orElse: transform(orElse))
    case .lambda(let parameters, let body):
      return .lambda(parameters.mapDefaults(transform), transform(body))
    case .comprehension(let comprehension): return .comprehension(comprehension.mapChildren(transform))
    }
  }

  /// The names this expression reads from its surroundings, each once, in the order they first appear. Parameters of
  /// lambdas and targets of comprehensions are not free.
  package var freeNames: [String] {
    var names: [String] = []
    var seen: Set<String> = []
    collectFreeNames(bound: []) { name in
      if seen.insert(name).inserted { names.append(name) }
    }
    return names
  }

  /// The same expression with free names replaced. A name bound inside (by a lambda or comprehension) is renamed where
  /// it would capture a name of a replacement.
  package func substituting(_ replacements: [String: PythonExpression]) -> PythonExpression {
    switch self {
    case .name(let name): return replacements[name] ?? self
    case .lambda(let parameters, let body):
      let parameters = parameters.mapDefaults { $0.substituting(replacements) }
      let scope = BindingScope(names: parameters.all.map(\.name), replacements: replacements, reading: [body])
      return .lambda(
        parameters.map { scope.renaming($0) }, body.substituting(scope.inner))
    case .comprehension(let comprehension):
      return .comprehension(comprehension.substituting(replacements))
    default: return mapChildren { $0.substituting(replacements) }
    }
  }

  fileprivate func collectFreeNames(bound: Set<String>, _ visit: (String) -> Void) {
    switch self {
    case .name(let name): if !bound.contains(name) { visit(name) }
    case .lambda(let parameters, let body):
      for value in parameters.all.compactMap(\.defaultValue) { value.collectFreeNames(bound: bound, visit) }
      body.collectFreeNames(bound: bound.union(parameters.all.map(\.name)), visit)
    case .comprehension(let comprehension): comprehension.collectFreeNames(bound: bound, visit)
    default: for child in children { child.collectFreeNames(bound: bound, visit) }
    }
  }

  /// The names that this expression binds when it is an assignment target.
  package var targetNames: [String] {
    switch self {
    case .name(let name): [name]
    case .tuple(let items), .list(let items): items.flatMap(\.targetNames)
    case .starred(let value), .parenthesized(let value): value.targetNames
    default: []
    }
  }
}

extension PythonParameters {
  func mapDefaults(_ transform: (PythonExpression) -> PythonExpression) -> PythonParameters {
    map { parameter in
      var copy = parameter
      copy.defaultValue = parameter.defaultValue.map(transform)
      return copy
    }
  }
}

/// What names mean inside a lambda or comprehension while names outside are being replaced.
private struct BindingScope {
  /// Replacements that hold inside, with the renamed bound names.
  let inner: [String: PythonExpression]
  private let renamed: [String: String]

  init(names: [String], replacements: [String: PythonExpression], reading bodies: [PythonExpression]) {
    let bound = Set(names)
    var inner = replacements.filter { !bound.contains($0.key) }
    let read = bodies.flatMap(\.freeNames)
    let captured = Set(read.compactMap { inner[$0] }.flatMap(\.freeNames))
    var used = captured.union(read).union(names)
    var renamed: [String: String] = [:]
    for name in names where captured.contains(name) && renamed[name] == nil {
      let fresh = PythonIdentifier.unique(name, avoiding: used)
      used.insert(fresh)
      renamed[name] = fresh
      inner[name] = .name(fresh)
    }
    self.inner = inner
    self.renamed = renamed
  }

  func renaming(_ parameter: PythonParameter) -> PythonParameter {
    var copy = parameter
    copy.name = renamed[parameter.name] ?? parameter.name
    return copy
  }
}

extension PythonComprehension {
  var children: [PythonExpression] {
    var result: [PythonExpression] = []
    if case .dictionary(let key) = kind { result.append(key) }
    result.append(element)
    for clause in clauses { result += [clause.target, clause.iterable] + clause.conditions }
    return result
  }

  func mapChildren(_ transform: (PythonExpression) -> PythonExpression) -> PythonComprehension {
    PythonComprehension(
      kind.mapKey(transform), transform(element),
      for: clauses.map {
        Clause(target: transform($0.target), in: transform($0.iterable), if: $0.conditions.map(transform))
      })
  }

  fileprivate var targetNames: [String] { clauses.flatMap(\.target.targetNames) }

  fileprivate func collectFreeNames(bound: Set<String>, _ visit: (String) -> Void) {
    let inner = bound.union(targetNames)
    if case .dictionary(let key) = kind { key.collectFreeNames(bound: inner, visit) }
    element.collectFreeNames(bound: inner, visit)
    for (index, clause) in clauses.enumerated() {
      clause.target.collectFreeNames(bound: inner, visit)
      // The first iterable is evaluated outside of the comprehension's scope.
      clause.iterable.collectFreeNames(bound: index == 0 ? bound : inner, visit)
      for condition in clause.conditions { condition.collectFreeNames(bound: inner, visit) }
    }
  }

  fileprivate func substituting(_ replacements: [String: PythonExpression]) -> PythonComprehension {
    let scope = BindingScope(names: targetNames, replacements: replacements, reading: children)
    var result = mapChildren { $0.substituting(scope.inner) }
    if let first = clauses.first { result.clauses[0].iterable = first.iterable.substituting(replacements) }
    return result
  }
}

extension PythonComprehension.Kind {
  func mapKey(_ transform: (PythonExpression) -> PythonExpression) -> Self {
    if case .dictionary(let key) = self { .dictionary(key: transform(key)) } else { self }
  }
}
