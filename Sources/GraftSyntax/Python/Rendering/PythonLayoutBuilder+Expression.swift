extension PythonLayoutBuilder {
  /// The layout of a normalised expression.
  mutating func layout(
    _ expression: PythonExpression, _ level: Level, _ parentheses: Parentheses = .preserve, chain: CallChain = .root
  ) -> Layout {
    if case .parenthesized(let inner) = expression {
      if parentheses == .never { return layout(inner, level, .never, chain: chain) }
      if case .tuple = inner { return layout(inner, level) }
      return bracketed("(", layout(inner, .brackets, .never), ")", level)
    }
    if parentheses == .always { return bracketed("(", layout(expression, .brackets, .never), ")", level) }
    switch expression {
    case .name(let name): return .text(name)
    case .integer(let value): return .text(String(value))
    case .float(let value): return .text(PythonLiteral.float(value))
    case .string(let value): return .text(PythonLiteral.string(value))
    case .formattedString(let parts): return .text(PythonLiteral.formattedString(parts))
    case .boolean(let value): return .text(value ? "True" : "False")
    case .none: return .text("None")
    case .ellipsis: return .text("...")
    case .tuple(let items): return tuple(items, level, .parenthesized)
    case .list(let items): return display("[", items.map { layout($0, .brackets) }, "]", level)
    case .set(let items): return display("{", items.map { layout($0, .brackets) }, "}", level)
    case .dictionary(let entries): return display("{", entries.map { entry($0) }, "}", level)
    case .attribute(let value, let name): return attribute(expression, value, name, level, chain)
    case .call(let function, let arguments): return call(expression, function, arguments, level, chain)
    case .subscript(let value, let index): return subscripted(expression, value, index, level, chain)
    case .slice(let lower, let upper, let step): return slice(lower, upper, step, level)
    case .starred(let value): return .concatenation([.text("*"), layout(value, level)])
    case .unary(let symbol, let operand):
      return .concatenation([.text(symbol.rawValue), symbol == .not ? .space : .empty, layout(operand, level)])
    case .binary, .comparison, .logical: return operators(expression, level)
    case .conditional(let body, let test, let orElse):
      return groupInParentheses(conditional(body, test, orElse, level), level)
    case .lambda(let parameters, let body): return lambda(parameters, body, level, isAssigned: false)
    case .comprehension(let comprehension): return self.comprehension(comprehension, level)
    case .parenthesized: return .empty
    }
  }

  // MARK: Displays

  /// Where a tuple stands decides about its parentheses.
  enum TupleStyle {
    case parenthesized
    /// Parentheses only where it breaks.
    case bare
    /// As `bare`, but a pair breaks in its elements first.
    case returned
    /// The target of a `for` statement.
    case loopTarget
    /// The target of a comprehension: never parentheses or a line break.
    case comprehensionTarget
    /// Within the brackets of a subscript.
    case index
  }

  mutating func tuple(_ items: [PythonExpression], _ level: Level, _ style: TupleStyle) -> Layout {
    if items.isEmpty { return .text("()") }
    if items.count == 1 {
      if style == .index { return .concatenation([layout(items[0], level), .text(",")]) }
      return bracketed("(", .concatenation([layout(items[0], .brackets), .text(",")]), ")", level)
    }
    switch style {
    case .parenthesized: return bracketed("(", sequence(items, .brackets), ")", level)
    case .comprehensionTarget:
      return .joined(items.map { layout($0, level) }, separator: .text(", "))
    case .index: return .group(sequence(items, level))
    case .loopTarget: return optionallyParenthesized { $0.sequence(items, $1) }
    case .returned where items.count == 2: return optionallyParenthesized { $0.sequence(items, $1) }
    case .returned, .bare: return parenthesizedIfBroken(sequence(items, .brackets))
    }
  }

  private mutating func sequence(_ items: [PythonExpression], _ level: Level) -> Layout {
    commaSeparated(items.map { layout($0, level) })
  }

  private mutating func display(_ left: String, _ items: [Layout], _ right: String, _ level: Level) -> Layout {
    items.isEmpty ? .text(left + right) : bracketed(left, commaSeparated(items), right, level)
  }

  private mutating func entry(_ entry: PythonDictionaryEntry) -> Layout {
    guard let key = entry.key else {
      return .group(.concatenation([.text("**"), layout(entry.value, .brackets)]))
    }
    return .group(.concatenation([layout(key, .brackets), .text(": "), layout(entry.value, .brackets)]))
  }

  private mutating func comprehension(_ comprehension: PythonComprehension, _ level: Level) -> Layout {
    let content = Layout.group(comprehensionContent(comprehension))
    switch comprehension.kind {
    case .list: return bracketed("[", content, "]", level)
    case .set, .dictionary: return bracketed("{", content, "}", level)
    case .generator: return bracketed("(", content, ")", level)
    }
  }

  mutating func comprehensionContent(_ comprehension: PythonComprehension) -> Layout {
    var head: [Layout] = []
    if case .dictionary(let key) = comprehension.kind {
      head = [.group(layout(key, .brackets)), .text(": "), layout(comprehension.element, .brackets)]
    } else {
      head = [.group(layout(comprehension.element, .brackets))]
    }
    return .joined([.concatenation(head)] + comprehension.clauses.map { clause($0) }, separator: .softLineOrSpace)
  }

  private mutating func clause(_ clause: PythonComprehension.Clause) -> Layout {
    var target = layout(clause.target, .brackets)
    if case .tuple(let items) = clause.target { target = tuple(items, .brackets, .comprehensionTarget) }
    var parts: [Layout] = [.text("for "), target, .text(" in "), layout(clause.iterable, .brackets)]
    for condition in clause.conditions {
      parts += [.softLineOrSpace, .text("if "), layout(condition, .brackets)]
    }
    return .concatenation(parts)
  }

  // MARK: Attributes, calls, subscripts

  private func decided(_ chain: CallChain, _ expression: PythonExpression, _ level: Level) -> CallChain {
    guard chain == .root else { return chain }
    if case .statement = level { return .nonFluent }
    return expression.isFluentChain ? .fluent : .nonFluent
  }

  /// The root of a fluent chain is a group of its own.
  private func chained(_ content: Layout, _ chain: CallChain, _ decided: CallChain) -> Layout {
    chain == .root && decided.isFluent ? .group(content) : content
  }

  private mutating func attribute(
    _ expression: PythonExpression, _ value: PythonExpression, _ name: String, _ level: Level, _ chain: CallChain
  ) -> Layout {
    let decided = decided(chain, expression, level)
    var parts: [Layout] = []
    if value.isParenthesized {
      parts.append(layout(value, level, .always))
    } else {
      parts.append(layout(value, level, .never, chain: decided.isFluent ? .fluent : .root))
    }
    if decided.isFluent, value.isParenthesized || value.isCallOrSubscript { parts.append(.softLine) }
    parts.append(.text("." + name))
    return chained(.concatenation(parts), chain, decided)
  }

  /// The called or subscripted value of a chain.
  private mutating func callee(_ value: PythonExpression, _ level: Level, _ chain: CallChain) -> Layout {
    if value.isParenthesized { return layout(value, level, .always) }
    switch value {
    case .attribute, .call, .subscript: return layout(value, level, .never, chain: chain)
    default: return layout(value, level, .never)
    }
  }

  private mutating func call(
    _ expression: PythonExpression, _ function: PythonExpression, _ arguments: [PythonArgument], _ level: Level,
    _ chain: CallChain
  ) -> Layout {
    let decided = decided(chain, expression, level)
    let content = Layout.concatenation([callee(function, level, decided), self.arguments(arguments, level)])
    return chained(content, chain, decided)
  }

  mutating func arguments(_ arguments: [PythonArgument], _ level: Level) -> Layout {
    if arguments.isEmpty { return .text("()") }
    if case .positional(.comprehension(let comprehension)) = arguments[0], arguments.count == 1,
      comprehension.kind == .generator
    {
      return bracketed("(", .group(comprehensionContent(comprehension)), ")", level)
    }
    return bracketed("(", .group(commaSeparated(arguments.map { argument($0) })), ")", level)
  }

  private mutating func argument(_ argument: PythonArgument) -> Layout {
    switch argument {
    case .positional(let value): layout(value, .brackets)
    case .keyword(let name, let value): .concatenation([.text(name + "="), layout(value, .brackets)])
    case .unpackedKeywords(let value): .concatenation([.text("**"), layout(value, .brackets)])
    }
  }

  private mutating func subscripted(
    _ expression: PythonExpression, _ value: PythonExpression, _ index: PythonExpression, _ level: Level,
    _ chain: CallChain
  ) -> Layout {
    let decided = decided(chain, expression, level)
    let head = callee(value, level, decided)
    var content = layout(index, .brackets)
    // Before Python 3.11, a starred index needs the tuple's parentheses, which slices rule out.
    if case .tuple(let items) = index, !items.contains(where: \.isStarred) || items.contains(where: \.isSlice) {
      content = tuple(items, .brackets, .index)
    }
    return chained(.concatenation([head, bracketed("[", content, "]", level)]), chain, decided)
  }

  private mutating func slice(
    _ lower: PythonExpression?, _ upper: PythonExpression?, _ step: PythonExpression?, _ level: Level
  ) -> Layout {
    let isSpaced = ![lower, upper, step].allSatisfy { $0?.isSimpleSlicePart ?? true }
    let space = isSpaced ? Layout.space : .empty
    var parts: [Layout] = []
    if let lower { parts += [layout(lower, level), space] }
    parts.append(.text(":"))
    if let upper { parts += [space, layout(upper, level)] }
    if let step {
      if upper != nil { parts.append(space) }
      parts += [.text(":"), space, layout(step, level)]
    }
    return .concatenation(parts)
  }

  // MARK: Conditional and lambda

  private mutating func conditional(
    _ body: PythonExpression, _ test: PythonExpression, _ orElse: PythonExpression, _ level: Level
  ) -> Layout {
    let line = softLineOrSpaceInParentheses(level)
    let head: [Layout] = [
      layout(body, level), line, .text("if "), layout(test, level), line, .text("else "),
    ]
    let tail: Layout
    if case .conditional(let body, let test, let orElse) = orElse {
      tail = conditional(body, test, orElse, level)
    } else {
      tail = groupInParentheses(layout(orElse, level), level)
    }
    return .concatenation(head + [tail])
  }

  mutating func lambda(
    _ parameters: PythonParameters, _ body: PythonExpression, _ level: Level, isAssigned: Bool
  ) -> Layout {
    let header: Layout
    if parameters.all.isEmpty {
      header = .text("lambda: ")
    } else {
      let names = LayoutPrinter.print(
        .joined(parameterList(parameters, .statement, annotated: false), separator: .text(", ")),
        lineWidth: .max / 2
      ).text
      header = .text("lambda \(names): ")
    }
    let content = lambdaBody(body.unparenthesized, level)
    return .concatenation([header, isAssigned ? .fitsExpanded(content, nil) : content])
  }

  private mutating func lambdaBody(_ body: PythonExpression, _ level: Level) -> Layout {
    if case .multiline = body.optionalParentheses() { return parenthesizedIfBroken(layout(body, .brackets, .never)) }
    if body.isCallOrSubscript {
      let content = layout(body, level, .never)
      let variants = Layout.bestFitting([
        content, .expandedGroup(content), .concatenation([.text("("), .hardBlock(content), .text(")")]),
      ])
      return content.mustBreak ? .concatenation([.breakingGroups, variants]) : variants
    }
    if body.ownParentheses != nil { return layout(body, level) }
    return parenthesizedIfBroken(layout(body, .brackets, .never))
  }

  // MARK: Parameters

  /// Each parameter, with `/` and `*` where they belong.
  mutating func parameterList(_ parameters: PythonParameters, _ level: Level, annotated: Bool) -> [Layout] {
    var result: [Layout] = []
    for item in parameters.positionalOnly { result.append(parameter(item, level, annotated: annotated)) }
    if !parameters.positionalOnly.isEmpty { result.append(.text("/")) }
    for item in parameters.positional { result.append(parameter(item, level, annotated: annotated)) }
    if let variadic = parameters.variadic {
      result.append(.concatenation([.text("*"), parameter(variadic, level, annotated: annotated)]))
    } else if !parameters.keywordOnly.isEmpty {
      result.append(.text("*"))
    }
    for item in parameters.keywordOnly { result.append(parameter(item, level, annotated: annotated)) }
    if let variadic = parameters.variadicKeyword {
      result.append(.concatenation([.text("**"), parameter(variadic, level, annotated: annotated)]))
    }
    return result
  }

  private mutating func parameter(_ parameter: PythonParameter, _ level: Level, annotated: Bool) -> Layout {
    var parts: [Layout] = [.text(parameter.name)]
    let annotation = annotated ? parameter.annotation : nil
    if let annotation { parts += [.text(": "), layout(annotation, level)] }
    if let value = parameter.defaultValue {
      parts += [.text(annotation == nil ? "=" : " = "), layout(value, level)]
    }
    return .concatenation(parts)
  }
}

extension PythonExpression {
  fileprivate var isStarred: Bool {
    if case .starred = self { true } else { false }
  }

  fileprivate var isSlice: Bool {
    if case .slice = self { true } else { false }
  }

  /// Whether a slice with this bound is written without spaces.
  fileprivate var isSimpleSlicePart: Bool {
    switch self {
    case .name, .integer, .float, .string, .formattedString, .boolean, .none, .ellipsis: true
    case .unary(.not, _): false
    case .unary(_, let operand), .parenthesized(let operand): operand.isSimpleSlicePart
    default: false
    }
  }
}
