/// A Python source file.
package struct PythonModule: Hashable, Sendable {
  /// Without quotes. Lines are kept as they are.
  package var docstring: String?
  /// In any order; the renderer sorts, merges and groups them.
  package var imports: [PythonImport]
  package var statements: [PythonStatement]

  package init(docstring: String? = nil, imports: [PythonImport] = [], statements: [PythonStatement] = []) {
    self.docstring = docstring
    self.imports = imports
    self.statements = statements
  }

  /// The file's text, as `ruff format` would leave it and with its imports as `ruff check --select I` wants them.
  ///
  /// - Parameter lineWidth: columns a line may take; ruff's default is 88.
  package func rendered(lineWidth: Int = PythonRenderer.defaultLineWidth) -> String {
    PythonRenderer(lineWidth: lineWidth).render(self)
  }
}

extension PythonExpression {
  /// The expression on one line, however long.
  package var rendered: String { PythonRenderer(lineWidth: .max / 2).render(self) }
}

extension PythonStatement {
  /// The statement's lines, each with its line break, starting at the left margin.
  package var rendered: String { PythonRenderer().render([self]) }
}
