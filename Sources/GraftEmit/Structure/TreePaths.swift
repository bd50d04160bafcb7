package import GraftSyntax

extension PythonExpression {
  /// The path `a.0.b` of `root["a"][0]["b"]`, empty for the root; nil for anything else.
  package func treePath(in root: String) -> String? {
    switch self {
    case .name(root): return ""
    case .subscript(let base, let key):
      guard let path = base.treePath(in: root) else { return nil }
      switch key {
      case .string(let name): return path.appendingPath(name)
      case .integer(let number): return path.appendingPath(String(number))
      default: return nil
      }
    default: return nil
    }
  }
}

extension [PythonStatement] {
  /// The paths of all that the statements read of a tree, each as far as it goes.
  package func treePaths(in root: String) -> [String] {
    var paths: [String] = []
    func visit(_ expression: PythonExpression) {
      if let path = expression.treePath(in: root) {
        paths.append(path)
      } else {
        expression.children.forEach(visit)
      }
    }
    for statement in self {
      _ = statement.mapExpressions { expression in
        visit(expression)
        return expression
      }
    }
    return paths
  }
}
