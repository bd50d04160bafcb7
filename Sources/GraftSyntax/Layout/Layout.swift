/// A document whose line breaks are still open: text, places where a line may break, and groups that
/// break together. `LayoutPrinter` decides every break for a given line width.
package indirect enum Layout: Sendable {
  /// Text without a line break, `width` columns wide.
  case text(String, width: Int)
  /// A place where the line may or must break.
  case line(LineBreak)
  /// One layout after the other.
  case concatenation([Layout])
  /// Breaks all its own line breaks unless the content fits on the line. An `expanded` group always breaks.
  case group(Layout, id: GroupID?, expanded: Bool)
  /// A group where the condition holds, and plain content elsewhere.
  case conditionalGroup(Layout, Condition, expanded: Bool)
  /// Content one level deeper.
  case indent(Layout)
  /// Content one level deeper if the group with this id breaks.
  case indentIfBroken(Layout, GroupID)
  /// Content that is printed only where the group is in the given mode (the enclosing group without an id).
  case conditional(Layout, mode: Mode, group: GroupID?)
  /// Content that may break without breaking the enclosing group: only what stands before its first break and after
  /// its last counts for whether that group fits. Applies where the condition holds.
  case fitsExpanded(Layout, Condition?, expanded: Bool)
  /// The first variant that fits, tried flat; the last one, broken, when none does.
  case bestFitting([Layout])
  /// Content in parentheses on lines of its own when that makes it fit, and bare otherwise.
  case bestFitParenthesized(Layout, id: GroupID)
  /// Nothing, but the groups around it break.
  case breakingGroups
  /// Nothing, but the printer reports that it came by.
  case mark(Int)

  /// Names a group, so that other parts of the document can depend on whether it breaks.
  package struct GroupID: Hashable, Sendable {
    let index: Int
  }

  /// How a group is printed.
  package enum Mode: Sendable {
    case flat, broken
  }

  package enum LineBreak: Sendable {
    /// Nothing in a flat group, a line break in a broken one.
    case soft
    /// A space in a flat group, a line break in a broken one.
    case softOrSpace
    /// Always a line break.
    case hard
  }

  /// Holds when the named group was printed in `mode`.
  package struct Condition: Sendable {
    let group: GroupID
    let mode: Mode
  }
}

extension Layout {
  static let empty = Layout.concatenation([])
  static let space = Layout.text(" ", width: 1)
  static let softLine = Layout.line(.soft)
  static let softLineOrSpace = Layout.line(.softOrSpace)
  static let hardLine = Layout.line(.hard)

  static func text(_ text: String) -> Layout {
    .text(text, width: DisplayWidth.columns(of: text))
  }

  static func group(_ content: Layout, id: GroupID? = nil) -> Layout {
    .group(content, id: id, expanded: content.mustBreak)
  }

  static func expandedGroup(_ content: Layout) -> Layout {
    .group(content, id: nil, expanded: true)
  }

  static func conditionalGroup(_ content: Layout, _ condition: Condition) -> Layout {
    .conditionalGroup(content, condition, expanded: content.mustBreak)
  }

  static func fitsExpanded(_ content: Layout, _ condition: Condition?) -> Layout {
    .fitsExpanded(content, condition, expanded: content.mustBreak)
  }

  static func ifBroken(_ content: Layout, group: GroupID? = nil) -> Layout {
    .conditional(content, mode: .broken, group: group)
  }

  static func ifFlat(_ content: Layout, group: GroupID? = nil) -> Layout {
    .conditional(content, mode: .flat, group: group)
  }

  /// Content between soft line breaks, indented where they break.
  static func softBlock(_ content: Layout) -> Layout {
    .concatenation([.indent(.concatenation([.softLine, content])), .softLine])
  }

  /// Content on indented lines of its own.
  static func hardBlock(_ content: Layout) -> Layout {
    .concatenation([.indent(.concatenation([.hardLine, content])), .hardLine])
  }

  static func joined(_ parts: [Layout], separator: Layout) -> Layout {
    var result: [Layout] = []
    for (index, part) in parts.enumerated() {
      if index > 0 { result.append(separator) }
      result.append(part)
    }
    return .concatenation(result)
  }

  /// Whether the content cannot be printed on one line whatever the width. Alternatives do not count.
  var mustBreak: Bool {
    switch self {
    case .text, .bestFitting, .bestFitParenthesized, .fitsExpanded, .mark: false
    case .breakingGroups: true
    case .line(let kind): kind == .hard
    case .concatenation(let parts): parts.contains { $0.mustBreak }
    case .group(_, _, let expanded), .conditionalGroup(_, _, let expanded): expanded
    case .indent(let content), .indentIfBroken(let content, _), .conditional(let content, _, _): content.mustBreak
    }
  }
}
