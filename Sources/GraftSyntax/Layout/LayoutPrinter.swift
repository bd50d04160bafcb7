/// Prints a layout: each group stays on the line if what follows up to the next possible break fits too.
///
/// The algorithm is Wadler's and Prettier's, with the extensions that Python's formatters need: best-fitting variants,
/// conditional groups, and content whose own breaks do not break the group around it.
package struct LayoutPrinter {
  let lineWidth: Int
  let indentWidth: Int

  private var output = ""
  private var marks: Set<Int> = []
  private var isLineEmpty = true
  private var column = 0
  private var pendingIndent: Int
  private var stack: [Command] = []
  private var groupModes: [Layout.Mode?] = []
  /// Whether everything up to the next line break is already known to fit.
  private var isMeasured = false

  /// What a layout is printed under.
  fileprivate struct State {
    var indent: Int
    var mode: Layout.Mode
    var measure: Measure
  }

  /// Which lines have to fit when a layout is measured.
  fileprivate enum Measure {
    case firstLine, allLines, allLinesAllowingOverflow
  }

  fileprivate enum Command {
    case print(Layout, State)
    /// Ends the parentheses of a `bestFitParenthesized`: a line break and `)`.
    case closeParenthesis(State)
  }

  /// - Parameters:
  ///   - lineWidth: columns a line may take.
  ///   - indentWidth: columns of one indentation level.
  ///   - indentation: levels at which the first line starts.
  init(lineWidth: Int, indentWidth: Int, indentation: Int) {
    self.lineWidth = lineWidth
    self.indentWidth = indentWidth
    pendingIndent = indentation
  }

  /// The text of `layout`, its first line indented too, without a final line break; and the marks in the parts that
  /// were printed.
  package static func print(
    _ layout: Layout, lineWidth: Int, indentWidth: Int = 4, indentation: Int = 0
  ) -> (text: String, marks: Set<Int>) {
    var printer = LayoutPrinter(lineWidth: lineWidth, indentWidth: indentWidth, indentation: indentation)
    printer.run(layout, indentation: indentation)
    return (printer.output, printer.marks)
  }

  private mutating func run(_ layout: Layout, indentation: Int) {
    stack = [.print(layout, State(indent: indentation, mode: .broken, measure: .firstLine))]
    while let command = stack.popLast() {
      switch command {
      case .print(let layout, let state): print(layout, state)
      case .closeParenthesis(let state):
        breakLine(indent: state.indent)
        write(")", width: 1)
      }
    }
  }

  // MARK: Printing

  private mutating func print(_ layout: Layout, _ state: State) {
    switch layout {
    case .text(let text, let width): write(text, width: width)
    case .line(let kind): printLine(kind, state)
    case .concatenation(let parts):
      for part in parts.reversed() { push(part, state) }
    case .indent(let content): push(content, state.indented)
    case .indentIfBroken(let content, let id):
      push(content, mode(of: id) == .broken ? state.indented : state)
    case .conditional(let content, let mode, let id):
      if mode == (id.map { self.mode(of: $0) } ?? state.mode) { push(content, state) }
    case .group(let content, let id, let expanded):
      let mode = expanded ? .broken : groupMode(content, id, state)
      if let id { setMode(mode, of: id) }
      push(content, state.with(mode))
    case .conditionalGroup(let content, let condition, let expanded):
      let holds = mode(of: condition.group) == condition.mode
      push(content, holds ? state.with(expanded ? .broken : groupMode(content, nil, state)) : state)
    case .breakingGroups: break
    case .mark(let mark): marks.insert(mark)
    case .fitsExpanded(let content, let condition, _):
      // The groups inside were measured broken; whether they fit has to be measured again.
      if condition.map({ mode(of: $0.group) == $0.mode }) ?? true { isMeasured = false }
      push(content, state)
    case .bestFitting(let variants): printBestFitting(variants, state)
    case .bestFitParenthesized(let content, let id): printBestFitParenthesized(content, id, state)
    }
  }

  private mutating func push(_ layout: Layout, _ state: State) {
    stack.append(.print(layout, state))
  }

  private mutating func printLine(_ kind: Layout.LineBreak, _ state: State) {
    switch (state.mode, kind) {
    case (.flat, .soft): break
    case (.flat, .softOrSpace): write(" ", width: 1)
    default: breakLine(indent: state.indent)
    }
  }

  private mutating func breakLine(indent: Int) {
    if !isLineEmpty {
      output.append("\n")
      isLineEmpty = true
      column = 0
      isMeasured = false
    }
    pendingIndent = indent
  }

  private mutating func write(_ text: String, width: Int) {
    if pendingIndent > 0 {
      let columns = pendingIndent * indentWidth
      output.append(String(repeating: " ", count: columns))
      column += columns
      pendingIndent = 0
      isLineEmpty = false
    }
    if !text.isEmpty { isLineEmpty = false }
    output.append(text)
    column += width
  }

  private mutating func groupMode(_ content: Layout, _ id: Layout.GroupID?, _ state: State) -> Layout.Mode {
    if state.mode == .flat && isMeasured { return .flat }
    isMeasured = true
    if let id { setMode(.flat, of: id) }
    return fits([.print(content, state.with(.flat))]) ? .flat : .broken
  }

  private mutating func printBestFitting(_ variants: [Layout], _ state: State) {
    guard let first = variants.first, let last = variants.last else { return }
    if state.mode == .flat && isMeasured {
      push(first, state)
      return
    }
    isMeasured = true
    for variant in variants.dropLast() {
      let flat = state.with(.flat).measuring(.firstLine)
      if fits([.print(variant, flat)]) {
        push(variant, state.with(.flat))
        return
      }
    }
    push(last, state.with(.broken))
  }

  private mutating func printBestFitParenthesized(_ content: Layout, _ id: Layout.GroupID, _ state: State) {
    if groupMode(content, id, state) == .flat {
      setMode(.flat, of: id)
      push(content, state.with(.flat))
      return
    }
    setMode(.broken, of: id)
    let measured = state.measuring(.allLines)
    let fitsInParentheses = fits([
      .closeParenthesis(measured),
      .print(.concatenation([.text("(", width: 1), .indent(.concatenation([.hardLine, content]))]), measured),
    ])
    guard fitsInParentheses else {
      setMode(.flat, of: id)
      push(content, state.with(.flat))
      return
    }
    write("(", width: 1)
    breakLine(indent: state.indent + 1)
    let broken = state.with(.broken)
    stack.append(.closeParenthesis(broken))
    push(content, broken.indented)
  }

  private func mode(of id: Layout.GroupID) -> Layout.Mode {
    id.index < groupModes.count ? groupModes[id.index] ?? .flat : .flat
  }

  private mutating func setMode(_ mode: Layout.Mode, of id: Layout.GroupID) {
    while groupModes.count <= id.index { groupModes.append(nil) }
    groupModes[id.index] = mode
  }
}

// MARK: Measuring

extension LayoutPrinter {
  private struct Measurement {
    var column: Int
    var pendingIndent: Int
  }

  /// Whether `commands` (the last one first) and what follows them fit, up to the first line break that counts.
  private mutating func fits(_ commands: [Command]) -> Bool {
    var measurement = Measurement(column: column, pendingIndent: pendingIndent)
    var queue = commands
    var rest = stack.count
    while true {
      let command: Command
      if let next = queue.popLast() {
        command = next
      } else if rest > 0 {
        rest -= 1
        command = stack[rest]
      } else {
        return true
      }
      if let result = measure(command, &queue, &measurement) { return result }
    }
  }

  /// `nil` while the answer depends on what follows.
  private mutating func measure(
    _ command: Command, _ queue: inout [Command], _ measurement: inout Measurement
  ) -> Bool? {
    switch command {
    case .closeParenthesis(let state):
      measurement.column = 0
      measurement.pendingIndent = state.indent
      return measureText(1, state, &measurement)
    case .print(let layout, let state):
      return measure(layout, state, &queue, &measurement)
    }
  }

  private mutating func measure(
    _ layout: Layout, _ state: State, _ queue: inout [Command], _ measurement: inout Measurement
  ) -> Bool? {
    switch layout {
    case .text(_, let width): return measureText(width, state, &measurement)
    case .line(let kind): return measureLine(kind, state, &measurement)
    case .concatenation(let parts):
      for part in parts.reversed() { queue.append(.print(part, state)) }
    case .indent(let content): queue.append(.print(content, state.indented))
    case .indentIfBroken(let content, let id):
      queue.append(.print(content, mode(of: id) == .broken ? state.indented : state))
    case .conditional(let content, let mode, let id):
      if mode == (id.map { self.mode(of: $0) } ?? state.mode) { queue.append(.print(content, state)) }
    case .group(let content, let id, let expanded):
      let mode = expanded ? .broken : state.mode
      if let id { setMode(mode, of: id) }
      queue.append(.print(content, state.with(mode)))
    case .conditionalGroup(let content, let condition, let expanded):
      let breaks = expanded && mode(of: condition.group) == condition.mode
      queue.append(.print(content, breaks ? state.with(.broken) : state))
    case .breakingGroups, .mark: break
    case .fitsExpanded(let content, let condition, let expanded):
      let holds = condition.map { mode(of: $0.group) == $0.mode } ?? true
      if state.mode == .flat, !holds, expanded { return false }
      let applies = state.mode == .flat && holds
      let inner = applies ? state.with(.broken).measuring(.allLinesAllowingOverflow) : state
      queue.append(.print(content, inner))
    case .bestFitting(let variants):
      guard let first = variants.first, let last = variants.last else { return nil }
      let isFlat = state.mode == .flat
      queue.append(.print(isFlat ? first : last, isFlat ? state.measuring(.firstLine) : state))
    case .bestFitParenthesized(let content, let id):
      setMode(state.mode, of: id)
      queue.append(.print(content, state))
    }
    return nil
  }

  private func measureText(_ width: Int, _ state: State, _ measurement: inout Measurement) -> Bool? {
    measurement.column += measurement.pendingIndent * indentWidth + width
    measurement.pendingIndent = 0
    let overflows = measurement.column > lineWidth && state.measure != .allLinesAllowingOverflow
    return overflows ? false : nil
  }

  private func measureLine(_ kind: Layout.LineBreak, _ state: State, _ measurement: inout Measurement) -> Bool? {
    if state.mode == .flat {
      switch kind {
      case .soft: return nil
      case .softOrSpace: return measureText(1, state, &measurement)
      case .hard: return true
      }
    }
    if state.measure == .firstLine { return true }
    measurement.column = 0
    measurement.pendingIndent = state.indent
    return nil
  }
}

extension LayoutPrinter.State {
  fileprivate var indented: Self {
    var copy = self
    copy.indent += 1
    return copy
  }

  fileprivate func with(_ mode: Layout.Mode) -> Self {
    var copy = self
    copy.mode = mode
    return copy
  }

  fileprivate func measuring(_ measure: LayoutPrinter.Measure) -> Self {
    var copy = self
    copy.measure = measure
    return copy
  }
}
