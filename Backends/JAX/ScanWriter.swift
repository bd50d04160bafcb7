import GraftEmit
import GraftIR
import GraftSyntax

/// Writes the loops of one function over equal modules as `lax.scan` over their stacked parameters.
struct ScanWriter {
  /// What is known of the modules.
  struct Modules {
    /// The parameters of the program, by path.
    var types: [String: TensorType]
    /// Modules that something else reads one by one.
    var excluded: Set<ParameterStack> = []
  }

  /// Why a loop stays a loop.
  struct Refusal: Error, Hashable {
    var reason: String

    static var differentCalls: Refusal { Refusal(reason: "the calls differ in more than parameters") }
  }

  /// A loop that stays one.
  struct Note: Hashable {
    var iterable: PythonExpression
    var reason: String
  }

  /// The loader's function that stacks trees.
  static let stackHelper = "_stack"

  let modules: Modules
  /// The path of the module that the function computes.
  let path: String
  let types: VariableTypes
  let size: (PythonExpression) -> TreeSize?
  /// Names that mean something in the whole file, and `lax.scan`.
  let reserved: Set<String>
  let scan: PythonExpression

  private(set) var stacks: [ParameterStack] = []
  private(set) var notes: [Note] = []
  /// The paths of the parameters that other statements read, in the whole program.
  private(set) var otherReads: [String] = []

  init(
    modules: Modules, path: String, types: VariableTypes, size: @escaping (PythonExpression) -> TreeSize?,
    reserved: Set<String>, scan: PythonExpression
  ) {
    self.modules = modules
    self.path = path
    self.types = types
    self.size = size
    self.reserved = reserved
    self.scan = scan
  }

  /// The statements with those loops scanned that can be.
  ///
  /// - Parameters:
  ///   - original: the statements before loops were made of them.
  ///   - origins: what the loops stand for.
  mutating func write(
    _ statements: [PythonStatement], rolledFrom original: [PythonStatement], _ origins: [PythonStatement: RolledLoop]
  ) -> [PythonStatement] {
    var result: [PythonStatement] = []
    var scanned: [Range<Int>] = []
    let keyCounts = original.keyCounts
    let knownSize = { [size] (list: PythonExpression) in size(list) ?? keyCounts[list] }
    for (index, statement) in statements.enumerated() {
      guard case .for(let target, in: let iterable, let body) = statement else {
        result.append(statement)
        continue
      }
      do throws(Refusal) {
        guard let origin = origins[statement], let first = origin.turns.first, let last = origin.turns.last else {
          throw Refusal(reason: "it is not over consecutive modules")
        }
        let range = first.lowerBound..<last.upperBound
        let others = original.enumerated().filter { !range.contains($0.offset) }.map(\.element)
        var loop = ScannedLoop(body: body, origin: origin)
        try checkAssignments(body)
        try loop.take(target, iterable, knownSize)
        try check(loop, besides: others)
        let after = Array(statements[(index + 1)...])
        let names = Set(statements.flatMap(\.names)).union(reserved)
        let carried = try carried(loop, readAfter: Set(after.readNames))
        let written = try definition(loop, carrying: carried, avoiding: names.union(result.definedFunctions))
        result.append(.function(written))
        let xs = loop.sources.map { source in
          source.isKeys ? result.keysOrNone(source.values, readIn: statements) : source.values
        }
        let carry = PythonExpression.tuple(orSole: carried.map { .name($0) })
        let call = scan.call(.name(written.name), carry, .tuple(orSole: xs))
        result.append(.assign(.tuple([carry, "_"]), call))
        stacks += loop.stacks.map(absolute)
        scanned.append(range)
      } catch {
        result.append(statement)
        if iterable.readsTree { notes.append(Note(iterable: iterable, reason: error.reason)) }
      }
    }
    let rest = original.enumerated().filter { entry in !scanned.contains { $0.contains(entry.offset) } }
    otherReads = rest.map(\.element).treePaths(in: "params").map { path.appendingPath($0) }
    return result
  }

  private func absolute(_ stack: ParameterStack) -> ParameterStack {
    var stack = stack
    stack.path = path.appendingPath(stack.path)
    return stack
  }

  // MARK: Conditions

  private func check(_ loop: ScannedLoop, besides others: [PythonStatement]) throws(Refusal) {
    guard !loop.stacks.isEmpty else { throw Refusal(reason: "it is not over parameters") }
    let reads = (others + loop.body).treePaths(in: "params")
    for stack in loop.stacks {
      guard absolute(stack).isUniform(modules.types) else {
        throw Refusal(reason: "the parameters differ in names, shapes or types")
      }
      guard !modules.excluded.contains(absolute(stack)), !reads.contains(where: stack.isRead) else {
        throw Refusal(reason: "the parameters are also read elsewhere")
      }
    }
  }

  private func checkAssignments(_ statements: [PythonStatement]) throws(Refusal) {
    for statement in statements {
      switch statement {
      case .assign(let targets, _):
        guard targets.allSatisfy(\.isNameOrTuple) else { throw Refusal(reason: "it updates state") }
      case .for(let target, _, let body):
        guard target.isNameOrTuple else { throw Refusal(reason: "it updates state") }
        try checkAssignments(body)
      default: throw Refusal(reason: "it collects values")
      }
    }
  }

  /// The variables that turns read as the turn before left them.
  private func carried(_ loop: ScannedLoop, readAfter: Set<String>) throws(Refusal) -> [String] {
    let assigned = Set(loop.body.flatMap(\.allAssignedNames))
    var carried: [String] = []
    for name in loop.body.readNames where assigned.contains(name) && !carried.contains(name) { carried.append(name) }
    guard !carried.isEmpty, readAfter.intersection(assigned).isSubset(of: carried) else {
      throw Refusal(reason: "values of one turn are read after the loop")
    }
    for name in carried {
      guard let origin = loop.origin.carried.first(where: { $0.name == name }), case .name(let start) = origin.start,
        let type = loop.origin.turns.first.flatMap({ types.type(of: start, before: $0.lowerBound) })
      else { throw Refusal(reason: "the type of \(name) is not known") }
      for (end, turn) in zip(origin.ends, loop.origin.turns) {
        guard types.type(of: end, before: turn.upperBound) == type else {
          throw Refusal(reason: "\(name) changes its shape or type")
        }
      }
    }
    return carried
  }

  // MARK: The function of a turn

  /// `def body(x, layer): return f(layer, x), None`
  private func definition(
    _ loop: ScannedLoop, carrying carried: [String], avoiding names: Set<String>
  ) throws(Refusal) -> PythonFunction {
    var taken = names
    func declare(_ name: String) -> String {
      let unique = PythonIdentifier.unique(name, avoiding: taken)
      taken.insert(unique)
      return unique
    }
    let name = declare("body")
    var unpacking: [PythonStatement] = []
    func parameter(_ items: [PythonExpression], _ wanted: String) -> PythonParameter {
      if items.count == 1, case .name(let own) = items[0] { return PythonParameter(own) }
      let parameter = declare(wanted)
      unpacking.append(.assign(.tuple(items), .name(parameter)))
      return PythonParameter(parameter)
    }
    let carry = carried.map { PythonExpression.name($0) }
    let parameters = [parameter(carry, "carry"), parameter(loop.sources.map(\.target), "inputs")]
    let result = PythonStatement.return(.tuple([.tuple(orSole: carry), .none]))
    return PythonFunction(
      name, PythonParameters(parameters), body: (unpacking + loop.body + [result]).returningLastValue())
  }
}

/// A loop as it would be scanned.
private struct ScannedLoop {
  /// What a turn gets, and what it is taken from.
  struct Source {
    var target: PythonExpression
    var values: PythonExpression
    var isKeys = false
  }

  var body: [PythonStatement]
  let origin: RolledLoop
  private(set) var sources: [Source] = []
  /// The modules, by path in the function.
  private(set) var stacks: [ParameterStack] = []

  init(body: [PythonStatement], origin: RolledLoop) {
    self.body = body
    self.origin = origin
  }

  private var count: Int { origin.turns.count }

  /// Takes apart what the loop is over.
  mutating func take(
    _ target: PythonExpression, _ iterable: PythonExpression, _ size: (PythonExpression) -> TreeSize?
  ) throws(ScanWriter.Refusal) {
    if case .call("range", let bounds) = iterable, case .name(let counter) = target {
      return try takeNumbered(counter, bounds.map(\.value), size)
    }
    var pairs = [(target, iterable)]
    if case .call("zip", let lists) = iterable, case .tuple(let targets) = target, targets.count == lists.count {
      pairs = Array(zip(targets, lists.map(\.value)))
    }
    for (target, list) in pairs { try take(target, from: list, size) }
  }

  private mutating func take(
    _ target: PythonExpression, from list: PythonExpression, _ size: (PythonExpression) -> TreeSize?
  ) throws(ScanWriter.Refusal) {
    guard case .name = target else { throw .differentCalls }
    var (base, start) = (list, 0)
    if case .subscript(let whole, .slice(let lower, let upper, let step)) = list {
      if whole == "keys", step == nil {
        sources.append(Source(target: target, values: list, isKeys: true))
        return
      }
      guard upper == nil, step == nil, case .some(.integer(let first)) = lower else {
        throw ScanWriter.Refusal(reason: "it ends before the last module")
      }
      (base, start) = (whole, first)
    }
    if base == "keys" {
      sources.append(Source(target: target, values: list, isKeys: true))
      return
    }
    guard let path = base.treePath(in: "params"), size(base) == .list(start + count) else {
      throw .differentCalls
    }
    stacks.append(ParameterStack(path: path, numbers: start..<(start + count), isWhole: start == 0))
    sources.append(Source(target: target, values: start == 0 ? base : base[.integer(start)]))
  }

  /// Over `params[f"layer_{i}"]`, and `keys[i + 1]`, for counting `i`.
  private mutating func takeNumbered(
    _ counter: String, _ bounds: [PythonExpression], _ size: (PythonExpression) -> TreeSize?
  ) throws(ScanWriter.Refusal) {
    var numbered = NumberedElements(counter: counter, taken: Set(body.flatMap(\.names)))
    let replaced = body.map { $0.mapExpressions { numbered.replacing($0) } }
    guard !numbered.readsCounter, case .subscript(let base, .formattedString(let parts)) = numbered.element,
      let path = base.treePath(in: "params"), size(base) == .dict(count)
    else { throw .differentCalls }
    var start = 0
    if bounds.count > 1, case .integer(let first) = bounds[0] { start = first }
    var stack = ParameterStack(path: path, numbers: start..<(start + count), isWhole: true)
    let texts = parts.split(separator: .value(.name(counter)), maxSplits: 1, omittingEmptySubsequences: false)
    stack.prefix = texts.first.map(\.text) ?? ""
    stack.suffix = texts.last.map(\.text) ?? ""
    stacks.append(stack)
    sources.append(Source(target: .name(numbered.elementName), values: base))
    if let offset = numbered.keyOffset {
      let (first, end) = (start + offset, start + offset + count)
      let reachesEnd = size("keys") == .list(end)
      let slice = PythonExpression.slice(first == 0 ? nil : .integer(first), reachesEnd ? nil : .integer(end))
      let keys: PythonExpression = first == 0 && reachesEnd ? "keys" : PythonExpression.name("keys")[slice]
      sources.append(Source(target: .name(numbered.keyName), values: keys, isKeys: true))
    }
    body = replaced
  }
}

/// Reads of what a counter numbers in the turns of a loop.
private struct NumberedElements {
  let counter: String
  let elementName: String
  let keyName: String
  /// `params[f"layer_{i}"]`, the same wherever it is read.
  private(set) var element: PythonExpression?
  /// By how much the numbers of keys are larger than those of the elements.
  private(set) var keyOffset: Int?
  /// Whether the counter is read for anything else.
  private(set) var readsCounter = false

  init(counter: String, taken: Set<String>) {
    self.counter = counter
    elementName = PythonIdentifier.unique("layer", avoiding: taken)
    keyName = PythonIdentifier.unique("key", avoiding: taken)
  }

  /// The expression with names for what is read.
  mutating func replacing(_ expression: PythonExpression) -> PythonExpression {
    switch expression {
    case .subscript(_, .formattedString(let parts))
    where (element == nil || element == expression) && parts.compactMap(\.value) == [.name(counter)]:
      element = expression
      return .name(elementName)
    case .subscript("keys", let number):
      guard let offset = offset(number), keyOffset == nil || keyOffset == offset else { break }
      keyOffset = offset
      return .name(keyName)
    case .name(counter): readsCounter = true
    default: break
    }
    var copy = self
    defer { self = copy }
    return expression.mapChildren { copy.replacing($0) }
  }

  private func offset(_ number: PythonExpression) -> Int? {
    switch number {
    case .name(counter): 0
    case .binary(.name(counter), .add, .integer(let offset)): offset
    case .binary(.name(counter), .subtract, .integer(let offset)): -offset
    default: nil
    }
  }
}

extension ArraySlice<PythonFormatPart> {
  fileprivate var text: String {
    map { if case .text(let text) = $0 { text } else { "" } }.joined()
  }
}

extension [PythonStatement] {
  fileprivate var definedFunctions: [String] {
    compactMap { if case .function(let function) = $0 { function.name } else { nil } }
  }

  /// Random keys as they are scanned over: None, not a list of it, where there are none.
  ///
  /// - Parameter all: the statements of the function, of which these are the first ones.
  fileprivate mutating func keysOrNone(
    _ keys: PythonExpression, readIn all: [PythonStatement]
  ) -> PythonExpression {
    let position = firstIndex { if case .assign(["keys"], .conditional) = $0 { true } else { false } }
    guard let position, case .assign(_, .conditional(_, let test, let split)) = self[position] else { return keys }
    let uses = all.flatMap(\.names).count { $0 == "keys" }
    if keys == "keys", uses == 2 {
      self[position] = .assign("keys", .conditional(body: .none, test: test, orElse: split))
      return keys
    }
    return .conditional(body: .none, test: test, orElse: keys)
  }
}

extension PythonExpression {
  fileprivate var isNameOrTuple: Bool {
    switch self {
    case .name: true
    case .tuple(let items): items.allSatisfy(\.isNameOrTuple)
    default: false
    }
  }

  /// Whether a loop over it is one over parameters.
  fileprivate var readsTree: Bool { freeNames.contains("params") }
}
