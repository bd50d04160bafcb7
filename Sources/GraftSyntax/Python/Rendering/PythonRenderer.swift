/// Writes Python trees as text: bytes that `ruff format` with its default settings leaves as they are.
package struct PythonRenderer: Sendable {
  /// The columns that `ruff format` allows by default.
  package static let defaultLineWidth = 88

  private static let indentWidth = 4
  private static let layoutRounds = 5

  let lineWidth: Int

  /// - Parameter lineWidth: columns a line may take.
  package init(lineWidth: Int = defaultLineWidth) {
    self.lineWidth = lineWidth
  }

  /// A whole file, ending in a line break unless it is empty.
  package func render(_ module: PythonModule) -> String {
    var suite = Suite(kind: .module)
    if let docstring = module.docstring { appendDocstring(docstring, to: &suite, indentation: 0) }
    for (index, section) in PythonImportSorting.sections(module.imports).enumerated() {
      if index > 0 { suite.requestBlank() }
      for statement in section {
        suite.append(lines(of: statement, indentation: 0), as: .import)
      }
    }
    append(module.statements, to: &suite, indentation: 0)
    return text(suite.finished)
  }

  /// Statements one after the other, each line ending in a line break.
  ///
  /// - Parameter indentation: levels at which the statements stand.
  package func render(_ statements: [PythonStatement], indentation: Int = 0) -> String {
    var suite = Suite(kind: .module)
    append(statements, to: &suite, indentation: indentation)
    return text(suite.finished)
  }

  /// An expression on its own, without a final line break.
  package func render(_ expression: PythonExpression) -> String {
    printed(0) { $0.layout(expression.normalized, .statement) }.joined(separator: "\n")
  }

  private func text(_ lines: [String]) -> String {
    lines.map { $0 + "\n" }.joined()
  }

  // MARK: Suites

  private func append(_ statements: [PythonStatement], to suite: inout Suite, indentation: Int) {
    for statement in statements {
      switch statement {
      case .blank: suite.requestBlank()
      case .comment(let text): suite.appendComment(commentLines(text, indentation: indentation))
      default: suite.append(lines(of: statement, indentation: indentation), as: role(of: statement))
      }
    }
  }

  private func body(
    _ statements: [PythonStatement], _ kind: Suite.Kind, docstring: String? = nil, indentation: Int
  ) -> [String] {
    var suite = Suite(kind: kind)
    if let docstring { appendDocstring(docstring, to: &suite, indentation: indentation) }
    append(statements, to: &suite, indentation: indentation)
    if !suite.hasStatement { suite.append([indented("pass", indentation)], as: .simple) }
    return suite.finished
  }

  private func appendDocstring(_ text: String, to suite: inout Suite, indentation: Int) {
    let lines = PythonDocstring.lines(text)
    if !lines.isEmpty { suite.append(lines.map { indented($0, indentation) }, as: .docstring) }
  }

  private func role(of statement: PythonStatement) -> Suite.Role {
    switch statement {
    case .import: .import
    case .function, .class, .source: .definition
    case .if(let branches, let orElse):
      endsInDefinition(orElse.contains { $0.isCode } ? orElse : branches.last?.body ?? []) ? .endsInDefinition : .simple
    case .for(_, _, let body), .while(_, let body), .with(_, let body):
      endsInDefinition(body) ? .endsInDefinition : .simple
    default: .simple
    }
  }

  private func endsInDefinition(_ body: [PythonStatement]) -> Bool {
    guard let last = body.last(where: { $0 != .blank }) else { return false }
    switch role(of: last) {
    case .definition, .endsInDefinition: return true
    default: return false
    }
  }

  // MARK: Statements

  private func lines(of statement: PythonStatement, indentation: Int) -> [String] {
    switch statement {
    case .if(let branches, let orElse): return ifLines(branches, orElse, indentation)
    case .for(let target, let iterable, let statements):
      return block(statements, indentation) { $0.forHeader(target.normalized, iterable.normalized) }
    case .while(let test, let statements):
      return block(statements, indentation) { $0.conditionHeader("while", test.normalized) }
    case .with(let items, let statements):
      let items = items.map { PythonContextItem($0.context.normalized.unparenthesized, as: $0.target?.normalized) }
      return block(statements, indentation) { $0.withHeader(items) }
    case .function(let function): return functionLines(function, indentation)
    case .class(let definition): return classLines(definition, indentation)
    case .import(let item):
      return PythonImportSorting.sections([item]).joined().flatMap { lines(of: $0, indentation: indentation) }
    case .source(let text):
      return text.split(separator: "\n", omittingEmptySubsequences: false).map { indented(String($0), indentation) }
    case .pass: return [indented("pass", indentation)]
    case .break: return [indented("break", indentation)]
    case .continue: return [indented("continue", indentation)]
    case .comment(let text): return commentLines(text, indentation: indentation)
    case .blank: return []
    default: return printed(indentation) { $0.simple(statement) }
    }
  }

  private func lines(of statement: PythonImportStatement, indentation: Int) -> [String] {
    printed(indentation) { $0.importStatement(statement) }
  }

  private func block(
    _ statements: [PythonStatement], _ indentation: Int, _ header: (inout PythonLayoutBuilder) -> Layout
  ) -> [String] {
    printed(indentation, header) + body(statements, .other, indentation: indentation + 1)
  }

  private func ifLines(_ branches: [PythonBranch], _ orElse: [PythonStatement], _ indentation: Int) -> [String] {
    var lines: [String] = []
    for (index, branch) in branches.enumerated() {
      lines += block(branch.body, indentation) {
        $0.conditionHeader(index == 0 ? "if" : "elif", branch.test.normalized)
      }
    }
    if orElse.contains(where: { $0.isCode }) {
      lines += [indented("else:", indentation)] + body(orElse, .other, indentation: indentation + 1)
    }
    return lines
  }

  private func functionLines(_ function: PythonFunction, _ indentation: Int) -> [String] {
    var normalized = function
    normalized.parameters = function.parameters.map {
      PythonParameter($0.name, annotation: $0.annotation?.normalized, default: $0.defaultValue?.normalized)
    }
    normalized.returns = function.returns?.normalized
    return decoratorLines(function.decorators, indentation) + printed(indentation) { $0.functionHeader(normalized) }
      + body(function.body, .function, docstring: function.docstring, indentation: indentation + 1)
  }

  private func classLines(_ definition: PythonClass, _ indentation: Int) -> [String] {
    var normalized = definition
    normalized.arguments = definition.arguments.map { $0.mapValue(\.normalized) }
    return decoratorLines(definition.decorators, indentation) + printed(indentation) { $0.classHeader(normalized) }
      + body(definition.body, .class, docstring: definition.docstring, indentation: indentation + 1)
  }

  private func decoratorLines(_ decorators: [PythonExpression], _ indentation: Int) -> [String] {
    decorators.flatMap { decorator in printed(indentation) { $0.decorator(decorator.normalized) } }
  }

  private func commentLines(_ text: String, indentation: Int) -> [String] {
    text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { line in
      var cleaned = String(line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
      while cleaned.hasSuffix(" ") { cleaned.removeLast() }
      return indented(cleaned.isEmpty ? "#" : "# " + cleaned, indentation)
    }
  }

  /// The lines of one logical line. Where a trailing comma was added, its sequence stays broken when the text is
  /// formatted again, which can move other breaks: the text is laid out until that changes nothing more.
  private func printed(_ indentation: Int, _ build: (inout PythonLayoutBuilder) -> Layout) -> [String] {
    var expanded: Set<Int> = []
    var text = ""
    for _ in 0..<Self.layoutRounds {
      var builder = PythonLayoutBuilder(expandedSequences: expanded)
      let result = LayoutPrinter.print(
        build(&builder), lineWidth: lineWidth, indentWidth: Self.indentWidth, indentation: indentation)
      let isSettled = result.text == text || result.marks.isEmpty
      text = result.text
      expanded = result.marks
      if isSettled { break }
    }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private func indented(_ line: String, _ indentation: Int) -> String {
    line.isEmpty ? "" : String(repeating: " ", count: indentation * Self.indentWidth) + line
  }
}

extension PythonStatement {
  /// Whether the statement is one for Python, not a comment or an empty line.
  fileprivate var isCode: Bool {
    switch self {
    case .comment, .blank: false
    default: true
    }
  }
}

extension PythonLayoutBuilder {
  /// A statement on one logical line.
  fileprivate mutating func simple(_ statement: PythonStatement) -> Layout {
    switch statement {
    case .assign(let targets, let value): assignment(targets.map(\.normalized), value.normalized)
    case .annotatedAssign(let target, let annotation, let value):
      annotatedAssignment(target.normalized, annotation.normalized, value?.normalized)
    case .augmentedAssign(let target, let symbol, let value):
      augmentedAssignment(target.normalized, symbol, value.normalized)
    case .expression(let value): expressionStatement(value.normalized)
    case .return(let value): returned(value?.normalized)
    case .raise(let exception, let cause): raised(exception?.normalized, from: cause?.normalized)
    case .assert(let test, let message): asserted(test.normalized, message?.normalized)
    default: .empty
    }
  }
}
