/// Turns normalised expressions into layouts.
struct PythonLayoutBuilder {
  /// What surrounds an expression, which decides whether it may break outside of its own brackets.
  enum Level {
    /// A statement: only brackets of the expression itself may break.
    case statement
    /// Parentheses that appear only if their group breaks.
    case optionalParentheses(Layout.GroupID)
    /// Within brackets.
    case brackets
  }

  /// Whether parentheses around an expression are printed.
  enum Parentheses {
    case preserve, always, never
  }

  /// How a chain of attributes, calls and subscripts breaks.
  enum CallChain {
    /// Not decided yet: the expression is the root of its chain.
    case root
    case fluent
    case nonFluent

    var isFluent: Bool { self == .fluent }
  }

  private var groupCount = 0
  private var sequenceCount = 0
  /// Sequences that are printed one item per line: those that had a trailing comma in the text ("magic trailing comma").
  private let expandedSequences: Set<Int>

  init(expandedSequences: Set<Int> = []) {
    self.expandedSequences = expandedSequences
  }

  mutating func newGroup() -> Layout.GroupID {
    defer { groupCount += 1 }
    return Layout.GroupID(index: groupCount)
  }

  // MARK: Brackets

  /// Content in brackets, which breaks without breaking optional parentheses around the expression.
  func bracketed(_ left: String, _ content: Layout, _ right: String, _ level: Level) -> Layout {
    var inner = Layout.group(.softBlock(content))
    if case .optionalParentheses(let id) = level {
      inner = .fitsExpanded(inner, Layout.Condition(group: id, mode: .flat))
    }
    return .concatenation([.text(left), inner, .text(right)])
  }

  /// `items` separated by commas, with a trailing comma where they are printed one per line.
  mutating func commaSeparated(_ items: [Layout], alwaysTrailing: Bool = false) -> Layout {
    let list = Layout.joined(items, separator: .concatenation([.text(","), .softLineOrSpace]))
    guard items.count > 1 || alwaysTrailing else { return list }
    defer { sequenceCount += 1 }
    let comma = Layout.ifBroken(.concatenation([.text(","), .mark(sequenceCount)]))
    let forced = expandedSequences.contains(sequenceCount) ? Layout.breakingGroups : .empty
    return .concatenation([list, comma, forced])
  }

  /// Adds parentheses if `content`, laid out within brackets, does not fit on the line.
  mutating func parenthesizedIfBroken(_ content: Layout) -> Layout {
    let id = newGroup()
    return .group(
      .concatenation([
        .ifBroken(.text("(")), .indentIfBroken(.concatenation([.softLine, content]), id), .softLine,
        .ifBroken(.text(")")),
      ]), id: id)
  }

  /// Adds parentheses if `content` does not fit even with its own brackets broken.
  mutating func optionallyParenthesized(_ content: (inout Self, Level) -> Layout) -> Layout {
    let id = newGroup()
    let inner = content(&self, .optionalParentheses(id))
    return .group(
      .concatenation([
        .ifBroken(.text("(")), .indentIfBroken(.concatenation([.softLine, inner]), id), .softLine,
        .ifBroken(.text(")")),
      ]), id: id)
  }

  /// A group, but only where it may break outside of the expression's own brackets.
  func groupInParentheses(_ content: Layout, _ level: Level) -> Layout {
    switch level {
    case .statement: content
    case .optionalParentheses(let id):
      .conditionalGroup(content, Layout.Condition(group: id, mode: .broken))
    case .brackets: .group(content)
    }
  }

  func softLineOrSpaceInParentheses(_ level: Level) -> Layout {
    switch level {
    case .statement: .space
    case .optionalParentheses(let id):
      .concatenation([.ifBroken(.softLineOrSpace, group: id), .ifFlat(.space, group: id)])
    case .brackets: .softLineOrSpace
    }
  }

  func softLineInParentheses(_ level: Level) -> Layout {
    switch level {
    case .statement: .empty
    case .optionalParentheses(let id): .ifBroken(.softLine, group: id)
    case .brackets: .softLine
    }
  }

  func ifBrokenInParentheses(_ content: Layout, _ level: Level) -> Layout {
    switch level {
    case .statement: .empty
    case .optionalParentheses(let id): .ifBroken(content, group: id)
    case .brackets: .ifBroken(content)
    }
  }

  // MARK: Optional parentheses

  /// When a statement adds parentheses around an expression.
  enum Parenthesize {
    /// If it breaks; parentheses that are there stay.
    case optional
    /// If it breaks.
    case ifBroken
    /// If it breaks, for each of several expressions in a line.
    case ifBrokenEach
  }

  mutating func maybeParenthesized(
    _ expression: PythonExpression, _ mode: Parenthesize, context: ParenthesesContext = .general
  ) -> Layout {
    if mode == .optional, expression.isParenthesized { return layout(expression, .statement, .always) }
    let inner = expression.unparenthesized
    switch (inner.optionalParentheses(in: context), mode) {
    case (.never, _), (.bestFit, .optional): return layout(inner, .statement, .never)
    case (.multiline, _), (.bestFit, .ifBrokenEach):
      if inner.canOmitOptionalParentheses {
        return optionallyParenthesized { $0.layout(inner, $1, .never) }
      }
      return parenthesizedIfBroken(layout(inner, .brackets, .never))
    case (.bestFit, .ifBroken):
      let id = newGroup()
      return .bestFitParenthesized(layout(inner, .optionalParentheses(id), .never), id: id)
    }
  }
}
