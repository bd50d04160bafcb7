/// One imported name.
package enum PythonImport: Hashable, Sendable {
  /// `import module`, `import module as alias`
  case module(String, as: String? = nil)
  /// `from module import name`, `from module import name as alias`
  case member(of: String, String, as: String? = nil)

  var module: String {
    switch self {
    case .module(let module, _), .member(let module, _, _): module
    }
  }

  /// The name that the import binds.
  package var boundName: String {
    switch self {
    case .module(let module, let alias): alias ?? String(module.prefix { $0 != "." })
    case .member(_, let name, let alias): alias ?? name
    }
  }
}

/// An import statement: a module, or members of one.
struct PythonImportStatement {
  var module: String
  /// The module's own alias.
  var alias: String?
  /// Empty when the module itself is imported.
  var members: [(name: String, alias: String?)]
}

/// Puts imports in the order of ruff's `I001` (isort's defaults): `__future__`, the standard library, third-party,
/// relative; in each, modules before members, sorted naturally; members of one module in one statement.
enum PythonImportSorting {
  static func sections(_ imports: [PythonImport]) -> [[PythonImportStatement]] {
    (0...3).map { section in statements(imports.filter { self.section(of: $0.module) == section }) }
      .filter { !$0.isEmpty }
  }

  private static func section(of module: String) -> Int {
    if module == "__future__" { return 0 }
    if module.hasPrefix(".") { return 3 }
    return PythonVocabulary.standardLibrary.contains(String(module.prefix { $0 != "." })) ? 1 : 2
  }

  private static func statements(_ imports: [PythonImport]) -> [PythonImportStatement] {
    var modules: [PythonImportStatement] = []
    var members: [PythonImportStatement] = []
    var seen: Set<PythonImport> = []
    for item in imports where seen.insert(item).inserted {
      switch item {
      case .module(let module, let alias):
        modules.append(PythonImportStatement(module: module, alias: alias, members: []))
      case .member(let module, let name, let alias):
        let existing = members.firstIndex {
          $0.module == module && alias == nil && $0.members.allSatisfy { $0.alias == nil }
        }
        if let existing {
          members[existing].members.append((name, alias))
        } else {
          members.append(PythonImportStatement(module: module, alias: nil, members: [(name, alias)]))
        }
      }
    }
    for index in members.indices { members[index].members.sort { precedes(memberKey($0), memberKey($1)) } }
    modules.sort { precedes(key($0), key($1)) }
    members.sort { precedes(key($0), key($1)) }
    return modules + members
  }

  private static func key(_ statement: PythonImportStatement) -> [String] {
    let dots = statement.module.prefix { $0 == "." }.count
    let name = String(statement.module.dropFirst(dots))
    // More dots come first: furthest to closest.
    let distance = dots == 0 ? "" : String(1000 - min(dots, 999))
    let first = statement.members.first.map(memberKey) ?? ["", "", "", ""]
    return [distance, name.lowercased(), name] + first + [statement.alias ?? ""]
  }

  /// Constants, then classes, then everything else.
  private static func memberKey(_ member: (name: String, alias: String?)) -> [String] {
    let name = member.name
    let isConstant = name.count > 1 && name.contains { $0.isUppercase } && !name.contains { $0.isLowercase }
    let kind = isConstant ? "0" : name.first?.isUppercase == true ? "1" : "2"
    return [kind, name.lowercased(), name, member.alias ?? ""]
  }

  private static func precedes(_ left: [String], _ right: [String]) -> Bool {
    for (left, right) in zip(left, right) {
      let order = naturalOrder(left, right)
      if order != 0 { return order < 0 }
    }
    return false
  }

  /// Compares as text, except that runs of digits compare as numbers: `x2` before `x10`.
  private static func naturalOrder(_ left: String, _ right: String) -> Int {
    let left = Array(left.unicodeScalars)
    let right = Array(right.unicodeScalars)
    var i = 0
    var j = 0
    while i < left.count, j < right.count {
      let leftDigits = digits(left, from: i)
      let rightDigits = digits(right, from: j)
      if !leftDigits.isEmpty, !rightDigits.isEmpty {
        let order = numericOrder(leftDigits, rightDigits)
        if order != 0 { return order }
        i += leftDigits.count
        j += rightDigits.count
      } else {
        if left[i] != right[j] { return left[i] < right[j] ? -1 : 1 }
        i += 1
        j += 1
      }
    }
    return (left.count - i) - (right.count - j)
  }

  private static func digits(_ text: [Unicode.Scalar], from start: Int) -> ArraySlice<Unicode.Scalar> {
    text[start...].prefix { ("0"..."9").contains($0) }
  }

  /// Numbers with leading zeros compare as text, like digits after a decimal point.
  private static func numericOrder(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
    let isFraction = left.first == "0" || right.first == "0"
    if left.count != right.count, !isFraction { return left.count - right.count }
    for (left, right) in zip(left, right) where left != right { return left < right ? -1 : 1 }
    return left.count - right.count
  }
}
