extension Function {
  /// Checks what has to hold of any function, whatever its operations mean: values are defined once, before their uses
  /// and in scope; the trees match the arguments and results; names and paths are unique; symbols are declared.
  ///
  /// - Throws: ``Diagnostic`` with the code `invalid-program` that names the first thing found wrong.
  package func verify() throws {
    var verifier = StructureVerifier(function: self)
    try verifier.verify()
  }
}

private struct StructureVerifier {
  let function: Function
  var defined: Set<Value> = []
  var visible: Set<Value> = []
  var symbols: Set<String> = []
  /// Types are shared by many values; those whose symbols are known to be declared.
  var checkedTypes: Set<TensorType> = []

  func problem(_ message: String, in operation: Operation? = nil) -> Diagnostic {
    let place = operation.map { "\($0.name): " } ?? ""
    return Diagnostic(.invalidProgram, place + message, at: operation?.origin.location)
  }

  mutating func verify() throws {
    try verifySymbols()
    try verifyArguments()
    try verifyTrees()
    if let first = function.body.arguments.first {
      throw problem("the body has an argument of its own, \(name(first))")
    }
    try verify(function.body, in: nil)
    try verifyStateUpdates()
  }

  // MARK: Header

  private mutating func verifySymbols() throws {
    for symbol in function.symbols {
      let name = symbol.name
      guard IRText.isWord(name), !Symbol.reservedNames.contains(name) else {
        throw problem("`\(name)` cannot be a symbol's name")
      }
      if !symbols.insert(name).inserted { throw problem("symbol `\(name)` is declared twice") }
      let maximum = symbol.maximum ?? Int.max
      guard symbol.minimum <= maximum, symbol.sizes.allSatisfy({ $0 >= symbol.minimum && $0 <= maximum }) else {
        throw problem("the range and sizes of symbol `\(name)` contradict each other")
      }
    }
  }

  private mutating func verifyArguments() throws {
    var roles: Set<String> = []
    for argument in function.arguments {
      try define(argument.value, in: nil)
      for name in names(of: argument.role) where !roles.insert(name).inserted {
        throw problem("two arguments are \(name)")
      }
      if argument.role == .key, function.type(of: argument.value).dtype != .key {
        throw problem("the random key \(name(argument.value)) is a \(function.type(of: argument.value))")
      }
    }
  }

  /// What no two arguments may both be.
  private func names(of role: Argument.Role) -> [String] {
    switch role {
    case .input(let leaf): ["input #\(leaf)"]
    case .parameter(let path, _, let aliases): ([path] + aliases).map { "`\($0)`" }
    case .state(let path, _): ["`\(path)`"]
    case .constant(let name): ["constant `\(name)`"]
    case .key: ["the random key"]
    }
  }

  private func verifyTrees() throws {
    guard case .dict = function.inputs else { throw problem("the inputs are not a dict") }
    var inputs: [Int] = []
    for argument in function.arguments {
      if case .input(let leaf) = argument.role { inputs.append(leaf) }
    }
    let leaves = function.inputs.leaves
    guard leaves.sorted() == Array(0..<leaves.count), inputs.sorted() == Array(0..<leaves.count),
      function.inputNames.count == leaves.count
    else { throw problem("the inputs' tree, names and arguments do not match") }
    guard function.outputs.leaves.sorted() == Array(0..<function.body.results.count) else {
      throw problem("the outputs' tree does not match the \(function.body.results.count) results")
    }
  }

  private func verifyStateUpdates() throws {
    var states: Set<String> = []
    for argument in function.arguments {
      if case .state(let path, _) = argument.role { states.insert(path) }
    }
    for update in function.stateUpdates {
      guard states.remove(update.path) != nil else {
        throw problem("there is no state `\(update.path)` to update, or it is updated twice")
      }
      guard let value = update.value.asValue else { throw problem("state `\(update.path)` is not updated by a value") }
      try use(value, by: "the update of `\(update.path)`", in: nil)
    }
  }

  // MARK: Body

  private mutating func verify(_ block: Block, in owner: Operation?) throws {
    for argument in block.arguments { try define(argument, in: owner) }
    for operation in block.operations {
      for value in operation.operands.flatMap(\.values) { try use(value, by: "an operand", in: operation) }
      for (name, attribute) in operation.attributes {
        guard let unknown = attribute.symbols.subtracting(symbols).min() else { continue }
        throw problem("attribute `\(name)` has the undeclared symbol `\(unknown)`", in: operation)
      }
      for region in operation.regions {
        let outer = visible
        try verify(region, in: operation)
        visible = outer
      }
      for result in operation.results { try define(result, in: operation) }
    }
    for operand in block.results {
      switch operand {
      case .value(let value): try use(value, by: "a result", in: owner)
      case .scalar: break
      case .absent, .list: throw problem("a result must be a value or a number", in: owner)
      }
    }
  }

  private mutating func define(_ value: Value, in operation: Operation?) throws {
    guard let type = function.knownInfo(value)?.type else {
      throw problem("value \(value.id) does not belong to the function", in: operation)
    }
    if !defined.insert(value).inserted { throw problem("\(name(value)) is defined twice", in: operation) }
    visible.insert(value)
    guard checkedTypes.insert(type).inserted else { return }
    for symbol in type.shape.flatMap(\.symbols) where !symbols.contains(symbol) {
      throw problem("the type \(type) of \(name(value)) has the undeclared symbol `\(symbol)`", in: operation)
    }
  }

  private func use(_ value: Value, by user: String, in operation: Operation?) throws {
    if visible.contains(value) { return }
    let reason =
      defined.contains(value) ? "is defined in a region that has ended" : "is not defined before its use"
    throw problem("\(name(value)), \(user), \(reason)", in: operation)
  }

  private func name(_ value: Value) -> String {
    guard let hint = function.knownInfo(value)?.hint else { return "%\(value.id)" }
    return "%\(IRText.word(hint)).\(value.id)"
  }
}
