package import GraftSyntax

/// How tensors named by dotted paths nest: modules are dicts, children numbered from zero without gaps are lists.
package struct ParameterTree: Sendable {
  private var children: [String: Set<String>] = [:]

  package init(paths: some Sequence<String>) {
    for path in paths {
      var prefix = ""
      for part in path.split(separator: ".") {
        children[prefix, default: []].insert(String(part))
        prefix = prefix.appendingPath(String(part))
      }
    }
  }

  package var isEmpty: Bool { children.isEmpty }

  /// Whether the children of the module at this path are a list.
  package func isList(_ path: String) -> Bool {
    guard let names = children[path] else { return false }
    return names == Set((0..<names.count).map(String.init))
  }

  /// The names of the children of the node at a path.
  package func children(of path: String) -> [String] { (children[path] ?? []).sorted() }

  /// The paths of all lists, in order.
  package var lists: [String] { children.keys.filter(isList).sorted() }

  /// Whether the node at the path is the child of a dict, as are all above it.
  package func isWithinDicts(_ path: String) -> Bool {
    var prefix = ""
    for part in path.split(separator: ".") {
      if isList(prefix) { return false }
      prefix = prefix.appendingPath(String(part))
    }
    return !path.isEmpty
  }

  /// How many children the node at a path has; nil for a tensor and for what is not there.
  package func size(_ path: String) -> TreeSize? {
    children[path].map { isList(path) ? .list($0.count) : .dict($0.count) }
  }

  /// `root["layer1"][0]["weight"]`.
  package func access(_ path: String, in root: PythonExpression) -> PythonExpression {
    var prefix = ""
    return path.split(separator: ".").reduce(root) { expression, part in
      let isIndex = isList(prefix)
      prefix = prefix.appendingPath(String(part))
      if isIndex, let index = Int(part) { return expression[.integer(index)] }
      return expression[.string(String(part))]
    }
  }
}

extension String {
  /// The path `self.name` in a tree of parameters; the root's is empty.
  package func appendingPath(_ name: String) -> String { isEmpty ? name : name.isEmpty ? self : "\(self).\(name)" }
}
