extension PythonLayoutBuilder {
  // MARK: Assignments

  mutating func assignment(_ targets: [PythonExpression], _ value: PythonExpression) -> Layout {
    guard let last = targets.last else { return lastExpression(value) }
    let equals = Layout.text(" = ")
    var parts: [Layout] = []
    for (index, target) in targets.dropLast().enumerated() {
      parts += [index == 0 ? self.target(target) : breakableTarget(target), equals]
    }
    if targets.count > 1 || last.isTargetWithBrackets {
      parts.append(assigned(value, to: breakableTarget(last), operator: equals, bareTuple: bareTuple(value, targets)))
    } else {
      parts += [target(last), equals, lastExpression(value)]
    }
    return .concatenation(parts)
  }

  /// `a, b = c, d` needs no parentheses, `a = (c, d)` reads better with them.
  private func bareTuple(_ value: PythonExpression, _ targets: [PythonExpression]) -> Bool {
    value.isTuple && targets.allSatisfy(\.isTuple)
  }

  mutating func annotatedAssignment(
    _ target: PythonExpression, _ annotation: PythonExpression, _ value: PythonExpression?
  ) -> Layout {
    let head: [Layout] = [layout(target, .statement), .text(": ")]
    guard let value else { return .concatenation(head + [lastExpression(annotation)]) }
    let equals = Layout.text(" = ")
    if annotation.isSplittable {
      let annotation = annotation.isTuple ? layout(annotation, .statement) : breakableTarget(annotation)
      return .concatenation(head + [assigned(value, to: annotation, operator: equals, bareTuple: false)])
    }
    return .concatenation(head + [layout(annotation, .statement, .never), equals, lastExpression(value)])
  }

  mutating func augmentedAssignment(
    _ target: PythonExpression, _ symbol: PythonBinaryOperator, _ value: PythonExpression
  ) -> Layout {
    let equals = Layout.text(" \(symbol.rawValue)= ")
    if target.isTargetWithBrackets {
      return assigned(value, to: breakableTarget(target), operator: equals, bareTuple: false)
    }
    return .concatenation([layout(target, .statement), equals, lastExpression(value)])
  }

  private mutating func target(_ target: PythonExpression) -> Layout {
    if case .tuple(let items) = target { return tuple(items, .statement, .bare) }
    return layout(target, .statement)
  }

  /// A target that may take parentheses of its own if it is too long.
  private mutating func breakableTarget(_ target: PythonExpression) -> Layout {
    if case .tuple(let items) = target { return tuple(items, .statement, .bare) }
    if target.isTargetWithBrackets || target.isAttributeOfBrackets { return layout(target, .statement, .never) }
    let inner = target.unparenthesized
    if inner.canOmitOptionalParentheses { return optionallyParenthesized { $0.layout(inner, $1, .never) } }
    return parenthesizedIfBroken(layout(inner, .brackets, .never))
  }

  /// The value of a statement whose beginning cannot break: `return value`, `name = value`.
  mutating func lastExpression(_ value: PythonExpression) -> Layout {
    if value.isAtom {
      let id = newGroup()
      return .bestFitParenthesized(layout(value, .statement, .never), id: id)
    }
    return statementValue(value)
  }

  private mutating func statementValue(_ value: PythonExpression) -> Layout {
    if case .lambda(let parameters, let body) = value.unparenthesized {
      return parenthesizedIfBroken(lambda(parameters, body, .brackets, isAssigned: true))
    }
    return maybeParenthesized(value, .ifBroken)
  }

  /// An assignment whose target has brackets too: the value breaks or takes parentheses first.
  private mutating func assigned(
    _ value: PythonExpression, to target: Layout, operator equals: Layout, bareTuple: Bool
  ) -> Layout {
    if bareTuple, case .tuple(let items) = value {
      return .concatenation([target, equals, tuple(items, .statement, .bare)])
    }
    let value = value.unparenthesized
    let isChain = value.isCallOrSubscript || value.isAttribute
    guard value.isAtom || (isChain && value.optionalParentheses() == .bestFit) else {
      return .concatenation([target, equals, statementValue(value)])
    }
    let content = layout(value, .statement, .never)
    var variants: [Layout] = [.concatenation([target, equals, content])]
    if target.mustBreak { return variants[0] }
    if isChain { variants.append(.concatenation([target, equals, .expandedGroup(content)])) }
    variants.append(
      .concatenation([target, equals, .text("("), .expandedGroup(.softBlock(content)), .text(")")]))
    variants.append(.concatenation([.expandedGroup(target), equals, content]))
    return .bestFitting(variants)
  }

  // MARK: Other statements

  mutating func returned(_ value: PythonExpression?) -> Layout {
    guard let value else { return .text("return") }
    if case .tuple(let items) = value {
      return .concatenation([.text("return "), tuple(items, .statement, .returned)])
    }
    return .concatenation([.text("return "), lastExpression(value)])
  }

  mutating func expressionStatement(_ value: PythonExpression) -> Layout {
    if case .binary(_, let symbol, _) = value, symbol.precedence < .multiplicative {
      return maybeParenthesized(value, .optional)
    }
    return layout(value, .statement)
  }

  mutating func raised(_ exception: PythonExpression?, from cause: PythonExpression?) -> Layout {
    var parts: [Layout] = [.text("raise")]
    guard let exception else { return .concatenation(parts) }
    parts += [.space, maybeParenthesized(exception, .optional)]
    if let cause { parts += [.text(" from "), maybeParenthesized(cause, .optional)] }
    return .concatenation(parts)
  }

  mutating func asserted(_ test: PythonExpression, _ message: PythonExpression?) -> Layout {
    var parts: [Layout] = [.text("assert "), maybeParenthesized(test, .ifBroken)]
    if let message { parts += [.text(", "), maybeParenthesized(message, .ifBrokenEach)] }
    return .concatenation(parts)
  }

  // MARK: Headers

  mutating func conditionHeader(_ keyword: String, _ test: PythonExpression) -> Layout {
    .concatenation([.text(keyword + " "), maybeParenthesized(test, .ifBroken), .text(":")])
  }

  mutating func forHeader(_ target: PythonExpression, _ iterable: PythonExpression) -> Layout {
    var name: Layout
    if case .tuple(let items) = target {
      name = tuple(items, .statement, .loopTarget)
    } else {
      name = maybeParenthesized(target, .ifBroken)
    }
    return .concatenation([
      .text("for "), name, .text(" in "), maybeParenthesized(iterable, .ifBroken), .text(":"),
    ])
  }

  mutating func withHeader(_ items: [PythonContextItem]) -> Layout {
    let content: Layout
    if let item = items.first, items.count == 1 {
      if item.target == nil {
        content = maybeParenthesized(item.context, .ifBroken)
      } else if item.context.canOmitOptionalParentheses {
        content = optionallyParenthesized { builder, level in
          let context = builder.layout(item.context, level, .never)
          return builder.contextItem(item, context: context, level)
        }
      } else {
        content = parenthesizedIfBroken(contextItem(item))
      }
    } else {
      content = parenthesizedIfBroken(commaSeparated(items.map { contextItem($0) }))
    }
    return .concatenation([.text("with "), content, .text(":")])
  }

  private mutating func contextItem(_ item: PythonContextItem) -> Layout {
    contextItem(item, context: layout(item.context, .brackets, .never), .brackets)
  }

  private mutating func contextItem(_ item: PythonContextItem, context: Layout, _ level: Level) -> Layout {
    guard let target = item.target else { return context }
    return .concatenation([context, .text(" as "), layout(target, level)])
  }

  mutating func functionHeader(_ function: PythonFunction) -> Layout {
    let parameters = function.parameters
    let list = commaSeparated(parameterList(parameters, .brackets, annotated: true), alwaysTrailing: true)
    let isSingle = parameters.all.count == 1 && parameters.positionalOnly.isEmpty && parameters.keywordOnly.isEmpty
    var parts: [Layout] = [.text("(")]
    if !parameters.all.isEmpty { parts.append(.softBlock(isSingle ? list : .group(list))) }
    parts.append(.text(")"))
    if let returns = function.returns {
      let hasParameters = !parameters.all.isEmpty
      parts += [
        .text(" -> "),
        maybeParenthesized(
          returns, hasParameters ? .ifBroken : .ifBrokenEach,
          context: .returnAnnotation(hasParameters: hasParameters)),
      ]
    }
    return .concatenation([.text("def " + function.name), .group(.concatenation(parts)), .text(":")])
  }

  mutating func classHeader(_ definition: PythonClass) -> Layout {
    let bases = definition.arguments.isEmpty ? .empty : arguments(definition.arguments, .statement)
    return .concatenation([.text("class " + definition.name), bases, .text(":")])
  }

  mutating func decorator(_ expression: PythonExpression) -> Layout {
    .concatenation([.text("@"), maybeParenthesized(expression, .optional)])
  }

  mutating func importStatement(_ statement: PythonImportStatement) -> Layout {
    func named(_ name: String, _ alias: String?) -> Layout { .text(alias.map { "\(name) as \($0)" } ?? name) }
    guard let first = statement.members.first else {
      return .concatenation([.text("import "), named(statement.module, statement.alias)])
    }
    let head = Layout.text("from \(statement.module) import ")
    if statement.members.count == 1, first.name == "*" { return .concatenation([head, .text("*")]) }
    let names = statement.members.map { named($0.name, $0.alias) }
    return .concatenation([head, parenthesizedIfBroken(commaSeparated(names, alwaysTrailing: true))])
  }
}

extension PythonExpression {
  /// A single token.
  fileprivate var isAtom: Bool {
    switch self {
    case .name, .integer, .float, .boolean, .none, .string, .formattedString: true
    default: false
    }
  }

  fileprivate var isAttribute: Bool {
    if case .attribute = self { true } else { false }
  }

  fileprivate var isTuple: Bool {
    if case .tuple = self { true } else { false }
  }

  /// Whether the expression breaks in its own brackets as a target.
  fileprivate var isTargetWithBrackets: Bool { ownParentheses != nil }

  fileprivate var isAttributeOfBrackets: Bool {
    switch self {
    case .attribute(let value, _): value.anyParentheses != nil || value.isAttributeOfBrackets
    case .subscript: true
    case .call(_, let arguments): !arguments.isEmpty
    default: false
    }
  }
}
