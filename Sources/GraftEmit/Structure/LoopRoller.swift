package import GraftSyntax

/// Writes runs of statements that do the same with consecutive list elements as a `for` loop over the lists.
package struct LoopRoller {
  private let length: (PythonExpression) -> Int?
  private let reserved: Set<String>

  /// - Parameters:
  ///   - reserved: names that mean something in the whole file.
  ///   - length: how many elements a list has, `params["layers"]` for one, where that is known.
  package init(avoiding reserved: Set<String>, length: @escaping (PythonExpression) -> Int?) {
    self.reserved = reserved
    self.length = length
  }

  package func roll(_ statements: [PythonStatement]) -> [PythonStatement] {
    var result: [PythonStatement] = []
    var index = 0
    while index < statements.count {
      if let (loop, end) = loop(in: statements, from: index) {
        result += loop
        index = end
      } else {
        result.append(statements[index])
        index += 1
      }
    }
    return result
  }

  /// The longest loop that starts at a statement, over the shortest body.
  private func loop(in statements: [PythonStatement], from start: Int) -> (loop: [PythonStatement], end: Int)? {
    for period in 1...6 where start + 2 * period <= statements.count {
      let body = Array(statements[(start + period)..<(start + 2 * period)])
      var first = ShiftedMatch(by: -1, renaming: Set(body.flatMap(\.assignedNames)))
      guard first.matches(body, Array(statements[start..<(start + period)])), !first.elements.isEmpty else { continue }
      var count = 2
      while start + (count + 1) * period <= statements.count {
        var match = ShiftedMatch(by: count - 1, renaming: [])
        let next = Array(statements[(start + count * period)..<(start + (count + 1) * period)])
        guard match.matches(body, next), match.elements == first.elements else { break }
        count += 1
      }
      let reachesEnd = first.elements.contains { length($0.list) == $0.index - 1 + count }
      guard count >= 3 || count * period >= 4 || reachesEnd else { continue }
      let end = start + count * period
      if let loop = write(body, first, count: count) { return (loop, end) }
    }
    return nil
  }

  private func write(_ body: [PythonStatement], _ match: ShiftedMatch, count: Int) -> [PythonStatement]? {
    let used = Set(body.flatMap(\.names))
    var taken = used.union(reserved)
    var targets: [PythonExpression] = []
    var lists: [PythonExpression] = []
    var replacements: [ListElement: PythonExpression] = [:]
    var start: Int?
    for element in match.elements {
      let first = element.index - 1
      if element.list.isRooted(in: "new_state") {
        guard start == nil || start == first else { return nil }
        start = first
        replacements[element] = .subscript(element.list, "index")
        continue
      }
      let wanted = element.elementName
      let name = PythonIdentifier.unique(taken.contains(wanted) ? "layer" : wanted, avoiding: taken)
      taken.insert(name)
      targets.append(.name(name))
      let isWhole = first == 0 && length(element.list) == count
      let reachesEnd = length(element.list) == first + count
      lists.append(
        isWhole
          ? element.list
          : element.list[.slice(first == 0 ? nil : .integer(first), reachesEnd ? nil : .integer(first + count))])
      replacements[element] = .name(name)
    }
    guard let firstTarget = targets.first, let firstList = lists.first else { return nil }
    if start != nil, used.contains("index") { return nil }
    var target = targets.count == 1 ? firstTarget : .tuple(targets)
    var iterable = lists.count == 1 ? firstList : PythonExpression.name("zip").call(lists)
    if let start {
      target = .tuple(["index", target])
      iterable = PythonExpression.name("enumerate").call([iterable] + (start == 0 ? [] : [.integer(start)]))
    }
    let rewritten = body.map { $0.mapExpressions { $0.replacing(replacements) } }
    let renames = match.renamed.sorted { $0.key < $1.key }.map { name, old in
      PythonStatement.assign(.name(name), .name(old))
    }
    return renames + [.for(target, in: iterable, body: rewritten)]
  }
}

/// `list[index]`
private struct ListElement: Hashable {
  var list: PythonExpression
  var index: Int

  /// A name for one of the list's elements.
  var elementName: String {
    switch list {
    case .name("keys"): return "key"
    case .name: return list.isRooted(in: "state") ? "layer_state" : "layer"
    case .subscript(_, .string(let text)):
      let letters = text.filter { !$0.isNumber }
      let singular = letters.count > 3 && letters.hasSuffix("s") ? String(letters.dropLast()) : letters
      let name = singular.count < 2 ? "layer" : PythonIdentifier.snakeCase(singular)
      return list.isRooted(in: "state") ? "\(name)_state" : name
    default: return "item"
    }
  }
}

/// Compares statements with later ones, in which the indices of list elements are larger by a shift.
private struct ShiftedMatch {
  let shift: Int
  /// Names that may stand for others in the second statements, such as that of a loop's starting value.
  let renamable: Set<String>
  var elements: [ListElement] = []
  /// For each renamed name, what stands in its place.
  var renamed: [String: String] = [:]

  init(by shift: Int, renaming renamable: Set<String>) {
    self.shift = shift
    self.renamable = renamable
  }

  mutating func matches(_ first: [PythonStatement], _ second: [PythonStatement]) -> Bool {
    guard first.count == second.count else { return false }
    var assigned: Set<String> = []
    for (a, b) in zip(first, second) {
      guard case .assign(let targets, let value) = a, case .assign(let otherTargets, let otherValue) = b,
        targets.count == otherTargets.count
      else { return false }
      guard matches(value, otherValue, assigned) else { return false }
      for (target, other) in zip(targets, otherTargets) {
        guard matches(target, other, Set(renamable)) else { return false }
        assigned.formUnion(target.targetNames)
      }
    }
    return true
  }

  /// - Parameter fixed: names that must be the same in both.
  private mutating func matches(_ a: PythonExpression, _ b: PythonExpression, _ fixed: Set<String>) -> Bool {
    if case .subscript(let list, .integer(let index)) = a, list.isTreeAccess {
      guard case .subscript(list, .integer(let other)) = b else { return false }
      let element = ListElement(list: list, index: index)
      if other == index + shift {
        if !elements.contains(element) { elements.append(element) }
        return true
      }
      return other == index && !elements.contains(element)
    }
    if case .name(let name) = a, case .name(let other) = b {
      if !fixed.contains(name), let known = renamed[name] { return known == other }
      if name == other { return true }
      guard renamable.contains(name), !fixed.contains(name) else { return false }
      renamed[name] = other
      return true
    }
    let (children, others) = (a.children, b.children)
    guard children.count == others.count else { return false }
    if children.isEmpty { return a == b }
    guard a.mapChildren({ _ in .none }) == b.mapChildren({ _ in .none }) else { return false }
    for (child, other) in zip(children, others) where !matches(child, other, fixed) { return false }
    return true
  }
}

extension PythonExpression {
  fileprivate func isRooted(in name: String) -> Bool {
    switch self {
    case .name(let own): own == name
    case .subscript(let base, _): base.isRooted(in: name)
    default: false
    }
  }

  fileprivate func replacing(_ elements: [ListElement: PythonExpression]) -> PythonExpression {
    if case .subscript(let list, .integer(let index)) = self,
      let replacement = elements[ListElement(list: list, index: index)]
    {
      return replacement
    }
    return mapChildren { $0.replacing(elements) }
  }
}
