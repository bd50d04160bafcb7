package import GraftIR
import GraftOps
package import GraftSyntax
import GraftTransform
package import OrderedCollections

/// Writes a function's operations as Python statements.
///
/// A value that is used once, by the same statement of the source, becomes part of that expression; every other one
/// is assigned to the variable it had in the source.
package final class FunctionEmitter {
  package let function: Function
  package let target: any PythonTarget
  private let main: String
  private let outerFrames: Int
  package var imports: ImportSet
  package var helpers = HelperUses()
  package private(set) var statements: [PythonStatement] = []
  /// By position among the statements.
  package private(set) var variableTypes = VariableTypes()
  /// How many statements stand before the region that is being written.
  private var regionStart: Int?
  var scope = NameScope()
  var storedState: Set<Value> = []
  private var bindings: [Value: PythonExpression] = [:]
  private(set) var initialBindings: [Value: PythonExpression] = [:]
  private var inputLists: [[Value]: PythonExpression] = [:]
  private var pending: OrderedDictionary<Value, PythonExpression> = [:]
  private let uses: ValueUses
  private var remainingUses: [Value: Int]
  private var unconsumed: [Value] = []
  /// Values read where no name or expression stands for them, or not any more.
  private var unwritten: [Value] = []
  /// The values of the nested function that is being written, whose names it may give anew; nil outside of one.
  private var nestedValues: Set<Value>?
  /// The source statement that the last statement comes from.
  private var lastStatement: SourceStatement?
  private let arguments: [Value: Argument]
  let parameterTree: ParameterTree
  let stateTree: ParameterTree
  package private(set) var usedSymbols: OrderedSet<String> = []

  /// What the function's `call` operations call, by site.
  let calls: [EmittedCall]
  /// The values that are passed to emitted functions.
  let callOperands: Set<Value>
  private let callResults: Set<Value>
  private let nestsCalls: Bool
  /// Whether a call of an emitted function stands within another.
  package private(set) var hasNestedCalls = false

  /// - Parameters:
  ///   - helpers: the names of helper functions that no variable may have; all if nil.
  ///   - calls: what the function's `call` operations call, by site.
  ///   - main: the name of the file's main function, which helpers must not have.
  ///   - nestsCalls: whether a call of an emitted function may be written where another one reads its result, instead of a
  ///     numbered name; otherwise the result of each call has a name that no other value has.
  ///   - outerFrames: how many frames of the operations' call stacks are those of the function's callers.
  package init(
    _ function: Function, target: any PythonTarget, calls: [EmittedCall] = [], main: String? = nil,
    helpers: Set<String>? = nil, nestsCalls: Bool = true, outerFrames: Int = 0
  ) {
    self.function = function
    self.outerFrames = outerFrames
    self.target = target
    self.calls = calls
    self.nestsCalls = nestsCalls
    self.main = main ?? function.name
    imports = ImportSet(aliases: target.aliases)
    let calling = function.body.operations.filter { $0.callSite != nil }
    callOperands = Set(calling.flatMap(\.usedValues))
    callResults = Set(calling.flatMap(\.results))
    uses = ValueUses(of: function)
    remainingUses = uses.counts
    arguments = Dictionary(function.arguments.map { ($0.value, $0) }, uniquingKeysWith: { a, _ in a })
    parameterTree = ParameterTree(paths: function.parameterPaths)
    stateTree = ParameterTree(paths: function.statePaths)
    scope.reserve(target.aliases.map(\.name))
    scope.reserve(helpers.map { $0.sorted() } ?? Array(target.helpers.helpers.keys))
    scope.reserve(["params", "state", "new_state", "rng", "rngs", "train", function.name, self.main])
    scope.reserve(calls.map(\.interface.name))
  }

  // MARK: Operations

  /// Writes the body's operations.
  package func emitBody() throws {
    for operation in function.body.operations { try emit(operation) }
  }

  /// Binds a value that comes from outside to an expression.
  package func bind(_ value: Value, to expression: PythonExpression) {
    bindings[value] = expression
    initialBindings[value] = expression
  }

  /// Binds a list of values that comes from outside as a whole.
  package func bind(list values: [Value], to expression: PythonExpression) { inputLists[values] = expression }

  private func emit(_ operation: Operation) throws {
    let outer = unconsumed
    unconsumed = operation.usedValues
    defer { unconsumed = outer }
    if let site = operation.callSite, calls.indices.contains(site) { return emitCall(operation, of: calls[site]) }
    let definition = try OpCatalogue.definition(of: operation)
    let context = EmitContext(call: OpCall(operation, of: definition, in: function), emitter: self)
    let expressions: [PythonExpression]
    do {
      if let rule = target.rule(for: operation.name) {
        expressions = try rule(context)
      } else {
        expressions = [try context.spelled(in: target.framework)]
      }
      try checkReads(of: operation)
    } catch var diagnostic as Diagnostic {
      if diagnostic.location == nil { diagnostic.location = operation.origin.location }
      throw diagnostic
    }
    consumeOperands()
    assign(operation, expressions)
  }

  /// A rule that reads an operand twice must ask for it by a name, or what is folded into the statement would be lost.
  private func checkReads(of operation: Operation) throws {
    guard let value = unwritten.first else { return }
    throw Diagnostic(
      .internalError, "the rule of `\(operation.name)` for \(target.framework.rawValue) reads %\(value.id) twice",
      remedy: "Read it by `named`, which gives it a variable.")
  }

  /// From here on the operation's operands have been read: names of those that nobody needs any more may be given anew.
  func consumeOperands() {
    for value in unconsumed { remainingUses[value, default: 0] -= 1 }
    unconsumed = []
  }

  func assign(_ operation: Operation, _ expressions: [PythonExpression]) {
    for (value, expression) in zip(operation.results, expressions) {
      guard isUsed(value), !storedState.contains(value), bindings[value] == nil else { continue }
      if canInline(value, expression, operation) || isBetterUnnamed(value, expression) {
        pending[value] = expression
      } else {
        assign(value, expression, for: operation)
      }
    }
  }

  /// Assigns a value to a variable. Those of `a, b = f(x), g(x)` stand in one statement where it takes one line.
  private func assign(_ value: Value, _ expression: PythonExpression, for operation: Operation) {
    let source = SourceStatement(operation.origin)
    defer { lastStatement = source }
    let targets = operation.origin.frames.last(where: { !$0.isLibrary })?.assignmentTargets ?? []
    let last = statements.last
    let joined = lastStatement == source ? last?.joining(name(for: value), expression, targets: targets) : nil
    if joined != nil { statements.removeLast() }
    let variable = declare(value)
    if let joined, variable == name(for: value) { return append(joined) }
    if joined != nil, let last { append(last) }
    append(.assign(.name(variable), expression))
  }

  /// Whether anything reads the value.
  func isUsed(_ value: Value) -> Bool { uses.count(value) > 0 }

  /// Whether the value would need a numbered name, as another one by its name is still read, and is better written where
  /// the next operation reads it.
  func isBetterUnnamed(_ value: Value, _ expression: PythonExpression) -> Bool {
    guard uses.isReadNext(value), expression.nodeCount <= Self.longestOperand else { return false }
    return !scope.isFree(name(for: value), isFree: isFree)
  }

  private static let longestOperand = 16

  private func name(for value: Value) -> String { function.info(value).hint ?? "out" }

  private func isFree(_ name: String, _ old: Value) -> Bool {
    remainingUses[old, default: 0] <= 0
      && !pending.contains { remainingUses[$0.key, default: 0] > 0 && $0.value.freeNames.contains(name) }
  }

  /// Writes a call of an emitted function where its result is read, if that is the next operation and the result would
  /// need a numbered name.
  func nests(_ value: Value, _ call: PythonExpression) -> Bool {
    guard nestsCalls || !callOperands.contains(value), isBetterUnnamed(value, call) else { return false }
    hasNestedCalls = hasNestedCalls || callOperands.contains(value)
    pending[value] = call
    return true
  }

  /// Gives a value a variable name.
  func declare(_ value: Value) -> String {
    let reusesNames = nestsCalls || !callResults.contains(value)
    let name = scope.bind(value, to: name(for: value)) { name, old in
      reusesNames && nestedValues?.contains(old) ?? true && isFree(name, old)
    }
    nestedValues?.insert(value)
    bindings[value] = .name(name)
    variableTypes.declare(name, as: function.type(of: value), at: regionStart ?? statements.count)
    return name
  }

  /// Folding a value into the statement that uses it must not make a line that nobody would write.
  private func canInline(_ value: Value, _ expression: PythonExpression, _ operation: Operation) -> Bool {
    if expression.isTrivial { return true }
    guard uses.count(value) == 1 else { return uses.isIntermediate(value) && expression.onlyInsertsAxes }
    let isFolded =
      switch uses.lastReader(of: value) {
      case .returned: operation.origin.isReturned(in: outerFrames)
      case .statement(let consumer): consumer.isOne(with: SourceStatement(operation.origin))
      case .region, nil: false
      }
    return isFolded && expression.nodeCount <= 24
  }

  package func append(_ statement: PythonStatement) { statements.append(statement) }

  func assignLocal(_ name: String, _ value: PythonExpression) -> PythonExpression {
    let name = scope.fresh(name)
    append(.assign(.name(name), value))
    return .name(name)
  }

  /// Writes a region's operations apart from the statements written so far.
  func emitRegion(_ block: Block) throws -> (statements: [PythonStatement], results: [PythonExpression]) {
    let (outer, outerStart) = (statements, regionStart)
    regionStart = outerStart ?? outer.count
    statements = []
    defer { (statements, regionStart) = (outer, outerStart) }
    for operation in block.operations { try emit(operation) }
    let results = block.results.map { expression($0) }
    for value in block.results.flatMap(\.values) { remainingUses[value, default: 0] -= 1 }
    return (statements, results)
  }

  /// Writes a region as the body of a function within this one.
  ///
  /// - Parameter begin: binds the region's arguments, and returns the statements that come first.
  func emitNested(
    _ block: Block, beginning begin: () -> [PythonStatement]
  ) throws -> (statements: [PythonStatement], results: [PythonExpression]) {
    let outer = (scope, nestedValues)
    nestedValues = []
    defer { (scope, nestedValues) = outer }
    let first = begin()
    let body = try emitRegion(block)
    return (first + body.statements, body.results)
  }

  // MARK: Expressions

  package func expression(_ operand: Operand) -> PythonExpression {
    switch operand {
    case .absent: .none
    case .scalar(let scalar): number(scalar)
    case .list(let values): inputLists[values] ?? .list(values.map { expression(.value($0)) })
    case .value(let value): read(value)
    }
  }

  private func read(_ value: Value) -> PythonExpression {
    if let expression = pending[value] {
      if uses.count(value) == 1 { pending[value] = nil }
      return expression
    }
    if let expression = bindings[value] { return expression }
    unwritten.append(value)
    return .name("undefined_\(value.id)")
  }

  /// The value under a name: assigned now if it was going to be part of an expression.
  func materialize(_ value: Value) -> PythonExpression {
    guard let expression = pending.removeValue(forKey: value) else { return read(value) }
    if expression.isTrivial {
      bindings[value] = expression
      return expression
    }
    let name = declare(value)
    append(.assign(.name(name), expression))
    return .name(name)
  }

  /// A number, by the target's name for it if it has one.
  func number(_ scalar: Scalar) -> PythonExpression {
    guard case .float(let value) = scalar, let constant = target.constant(value, imports: &imports) else {
      return Self.number(scalar)
    }
    return constant
  }

  static func number(_ scalar: Scalar) -> PythonExpression {
    switch scalar {
    case .bool(let value): .boolean(value)
    case .int(let value): .integer(value)
    case .float(let value):
      value == value.rounded() && value.magnitude < 1e6 ? .integer(Int(value)) : .float(value)
    case .complex(let re, let im): .path("complex").call(.float(re), .float(im))
    }
  }

  // MARK: Parameters and state

  func argument(of value: Value) -> Argument? { arguments[value] }

  package func parameterAccess(_ path: String) -> PythonExpression { parameterTree.access(path, in: "params") }

  package func stateAccess(_ path: String) -> PythonExpression { stateTree.access(path, in: "state") }

  package func newStateAccess(_ path: String) -> PythonExpression { stateTree.access(path, in: "new_state") }

  /// Whether the value is the new value of the state at `path` and nothing else uses it.
  func onlyUpdates(_ value: Value, _ path: String) -> Bool {
    uses.count(value) == 1 && function.stateUpdates.contains { $0.path == path && $0.value == .value(value) }
  }

  /// Whether the value was written into the new state by the operation that computes it.
  package func isStored(_ value: Value) -> Bool { storedState.contains(value) }

  // MARK: Helpers

  /// What a helper is called in the file: by its own name, unless the function that is being written has that one.
  func nameOfHelper(_ name: String) -> String { HelperLibrary.name(of: name, beside: main) }

  // MARK: Inputs

  /// A parameter name for an input; `leaf` is its value when the input is a single tensor.
  package func declareInput(_ name: String, leaf: Value?) -> String {
    guard let leaf else { return scope.fresh(name) }
    let name = scope.bind(leaf, to: name) { _, _ in false }
    variableTypes.declare(name, as: function.type(of: leaf), at: -1)
    return name
  }

  /// A static value that the function returns.
  package func plain(_ attribute: Attribute) -> PythonExpression {
    switch attribute {
    case .scalar(let scalar): Self.number(scalar)
    case .string(let text): .string(text)
    case .dim(let dim): self.dim(dim)
    case .list(let items): .list(items.map { plain($0) })
    case .none, .dtype, .literal: .none
    }
  }

  // MARK: Extents

  func dim(_ dim: Dim) -> PythonExpression {
    for symbol in dim.symbols { usedSymbols.append(symbol) }
    return PythonExpression(dim) { .name(Self.symbolName($0)) }
  }

  /// The variable that holds a dynamic extent.
  package static func symbolName(_ symbol: String) -> String { PythonIdentifier.snakeCase(symbol) }
}

extension Origin {
  /// Whether the operation is part of the `return` statement of a function whose callers have so many frames.
  fileprivate func isReturned(in outerFrames: Int) -> Bool {
    frames.indices.contains(outerFrames) && frames[outerFrames].text.hasPrefix("return")
  }
}

extension PythonExpression {
  init(_ dim: Dim, symbol: (String) -> PythonExpression) {
    var sum: PythonExpression?
    for term in dim.terms {
      let factors = term.factors.map { PythonExpression($0, symbol: symbol) }
      let magnitude = Int(clamping: term.coefficient.magnitude)
      let scaled: [PythonExpression] = (magnitude == 1 ? [] : [.integer(magnitude)]) + factors
      guard let first = scaled.first else { continue }
      let product = scaled.dropFirst().reduce(first) { $0 * $1 }
      if let known = sum {
        sum = term.coefficient < 0 ? known - product : known + product
      } else {
        sum = term.coefficient < 0 ? -product : product
      }
    }
    guard let sum else {
      self = .integer(dim.constant)
      return
    }
    let constant = PythonExpression.integer(Int(clamping: dim.constant.magnitude))
    if dim.constant == 0 {
      self = sum
    } else {
      self = dim.constant < 0 ? sum - constant : sum + constant
    }
  }

  private init(_ atom: Dim.Atom, symbol: (String) -> PythonExpression) {
    switch atom {
    case .symbol(let name): self = symbol(name)
    case .floorDivision(let a, let b):
      self = PythonExpression(a, symbol: symbol).floorDivided(by: PythonExpression(b, symbol: symbol))
    case .remainder(let a, let b): self = PythonExpression(a, symbol: symbol) % PythonExpression(b, symbol: symbol)
    case .maximum(let a, let b):
      self = .path("max").call(PythonExpression(a, symbol: symbol), PythonExpression(b, symbol: symbol))
    case .minimum(let a, let b):
      self = .path("min").call(PythonExpression(a, symbol: symbol), PythonExpression(b, symbol: symbol))
    }
  }

  /// A name, a number or an access by constant keys: as short as any variable for it.
  package var isTrivial: Bool {
    switch self {
    case .name, .integer, .float, .boolean, .none, .string: true
    case .subscript(let base, .string), .subscript(let base, .integer): base.isTrivial
    case .attribute(let base, _): base.isTrivial
    case .unary(_, let operand): operand.isTrivial
    default: false
    }
  }

  /// Whether the expression is a variable's `x[:, None]`, which costs nothing to write twice.
  var onlyInsertsAxes: Bool {
    guard case .subscript(let base, let items) = self, base.isTrivial else { return false }
    let all: [PythonExpression] = if case .tuple(let items) = items { items } else { [items] }
    return all.allSatisfy { [.none, .fullSlice, .ellipsis].contains($0) }
  }

  /// The size of the tree.
  var nodeCount: Int { children.reduce(1) { $0 + ($1.isTrivial ? 1 : $1.nodeCount) } }
}
