import GraftEmit
import GraftIR
import GraftSyntax

/// Consecutive modules whose parameters an emitted file keeps stacked, so that `lax.scan` runs over them.
package struct ParameterStack: Hashable, Sendable {
  /// The path of the modules' parent.
  package var path: String
  /// What the modules' names, which count up, begin and end with.
  var prefix = ""
  var suffix = ""
  var numbers: Range<Int>
  /// Whether the modules are the parent's only children.
  var isWhole: Bool

  /// The names of the modules.
  package var members: [String] { numbers.map { "\(prefix)\($0)\(suffix)" } }

  /// The name that the stack has in the parent; nil if it takes the parent's place.
  package var position: String? { isWhole ? nil : members.first }

  /// Whether reading what is at a path reads one of the modules, or all of them one by one.
  func isRead(by other: String) -> Bool {
    other == path || members.contains { contains(other, in: $0) }
  }

  /// Whether the module at a path is one of them or within one.
  func contains(_ module: String) -> Bool { members.contains { contains(module, in: $0) } }

  private func contains(_ other: String, in member: String) -> Bool {
    let module = path.appendingPath(member)
    return other == module || other.hasPrefix(module + ".")
  }

  /// Whether the modules have the same parameters, of the same types.
  func isUniform(_ types: [String: TensorType]) -> Bool {
    var all: [String: [String: TensorType]] = [:]
    let start = path.isEmpty ? "" : path + "."
    for (parameter, type) in types where parameter.hasPrefix(start) {
      let rest = parameter.dropFirst(start.count)
      let member = rest.prefix { $0 != "." }
      all[String(member), default: [:]][String(rest.dropFirst(member.count))] = type
    }
    guard let first = all[members[0]], !isWhole || all.count == numbers.count else { return false }
    return members.allSatisfy { all[$0] == first }
  }
}

extension [ParameterStack] {
  /// `params["layers"] = _stack(params["layers"])` for each of them, the inner ones first.
  func statements(_ tree: ParameterTree) -> [PythonStatement] {
    let ordered = sorted { ($1.path.depth, $0.path) < ($0.path.depth, $1.path) }
    return ordered.map { stack in
      let list = tree.access(stack.path, in: "params")
      let stacked = PythonExpression.name(ScanWriter.stackHelper)
      if !stack.prefix.isEmpty || !stack.suffix.isEmpty {
        let parts: [PythonFormatPart] = [.text(stack.prefix), .value("i"), .text(stack.suffix)]
        let bounds = [stack.numbers.lowerBound, stack.numbers.upperBound].drop { $0 == 0 }
        let members = PythonExpression.listComprehension(
          list[.formattedString(parts.filter { $0 != .text("") })], for: "i",
          in: PythonExpression.name("range").call(bounds.map { .integer($0) }))
        return .assign(list, stacked.call(members))
      }
      guard !stack.isWhole else { return .assign(list, stacked.call(list)) }
      let rest = list[.slice(.integer(stack.numbers.lowerBound), nil)]
      return .assign(rest, .list([stacked.call(rest)]))
    }
  }
}

extension String {
  fileprivate var depth: Int { split(separator: ".").count }
}
