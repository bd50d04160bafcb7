import GraftIR
import GraftOps

/// Builds the merged function from the correspondence of the two traces.
struct ModeAssembler {
  private typealias Choice = ModeCorrespondence.Choice

  /// One trace and where its values are in the merged function.
  private struct Side {
    let function: Function
    /// The operation that defines a value.
    let producers: [Value: Operation]
    let keys: Set<Value>
    /// What the values are in either mode.
    var merged: [Value: Value] = [:]
    /// What else equals the values, in this trace's mode only.
    var chosen: [Value: Value] = [:]

    init(_ function: Function) {
      self.function = function
      keys = function.splitKeys
      producers = function.body.operations.reduce(into: [:]) { producers, operation in
        for result in operation.results { producers[result] = operation }
      }
    }

    func find(_ value: Value) -> Value? { merged[value] ?? chosen[value] }
  }

  private let correspondence: ModeCorrespondence
  private var training: Side
  private var inference: Side
  private var function: Function
  private var operations: [Operation] = []
  private var choices: [Choice: Value] = [:]
  /// The keys that random operations use, in program order.
  private var keys: [Value] = []

  init(_ correspondence: ModeCorrespondence) {
    self.correspondence = correspondence
    training = Side(correspondence.training)
    inference = Side(correspondence.inference)
    let source = correspondence.training
    function = Function(name: source.name, summary: source.summary)
    function.inputs = source.inputs
    function.inputNames = source.inputNames
    function.outputs = source.outputs
    function.symbols = source.symbols
    let known = Set(source.symbols.map(\.name))
    function.symbols += correspondence.inference.symbols.filter { !known.contains($0.name) }
  }

  mutating func assemble(results: [MergedValue], updates: [(path: String, value: MergedValue)]) throws -> Function {
    addArguments()
    let groups = Dictionary(grouping: correspondence.choices, by: \.gap)
    for (gap, item) in correspondence.items.enumerated() {
      try choose(groups[gap] ?? [])
      place(item)
    }
    try choose(groups[correspondence.items.count] ?? [])
    function.body.results = try results.map(operand)
    function.stateUpdates = try updates.map { StateUpdate(path: $0.path, value: try operand($0.value)) }
    function.body.operations = operations
    function.passedNames = PassedNames(
      [training, inference].flatMap { side in side.function.passedNames.mapValues(side.find).entries })
    function.calls = training.function.calls.mapValues(training.find)
    function = try EliminateDeadCode().run(function)
    splitKey()
    return function
  }

  private mutating func addArguments() {
    var byRole: [Argument.Role: Value] = [:]
    for argument in training.function.arguments {
      let value = addArgument(argument, from: training.function)
      training.merged[argument.value] = value
      byRole[argument.role] = value
    }
    for argument in inference.function.arguments {
      inference.merged[argument.value] = byRole[argument.role] ?? addArgument(argument, from: inference.function)
    }
  }

  private mutating func addArgument(_ argument: Argument, from source: Function) -> Value {
    let info = source.info(argument.value)
    let value = function.makeValue(info.type, hint: info.hint)
    function.arguments.append(Argument(argument.role, value))
    return value
  }

  private func operand(_ value: MergedValue) throws -> Operand {
    switch value {
    case .training(let operand): return operand.mapValues { training.merged[$0] ?? $0 }
    case .choice(let choice):
      guard let value = choices[choice] else {
        throw Diagnostic(.internalError, "a value that differs between the modes was not merged")
      }
      return .value(value)
    }
  }

  // MARK: Operations

  private mutating func place(_ item: ModeCorrespondence.Item) {
    switch item {
    case .lead(let index):
      operations.append(copy(training.function.body.operations[index], \.training))
    case .both(let index, let other):
      let (operation, counterpart) = (
        training.function.body.operations[index], inference.function.body.operations[other]
      )
      var copied = copy(operation, \.training)
      copied.operands = zip(copied.operands, zip(operation.operands, counterpart.operands.padded)).map {
        merged, pair in choose(merged, pair.0, pair.1)
      }
      operations.append(copied)
      for (value, counterpart) in zip(operation.results, counterpart.results) {
        inference.merged[counterpart] = training.merged[value]
      }
    }
  }

  /// The merged operand with the choices in the places where the traces' values are not one.
  private func choose(_ merged: Operand, _ a: Operand, _ b: Operand) -> Operand {
    let pairs = zip(a.values, b.values)
    let chosen = zip(merged.values, pairs).map { value, pair in
      if correspondence.agree(pair.0, pair.1) { return value }
      return correspondence.choice(pair.0, pair.1).flatMap { choices[$0] } ?? value
    }
    if chosen.isEmpty { return merged }
    if case .list = merged { return .list(chosen) }
    return .value(chosen[0])
  }

  /// The operation with the merged function's values, its results new.
  private mutating func copy(_ operation: Operation, _ side: WritableKeyPath<ModeAssembler, Side>) -> Operation {
    var copied = operation
    copied.operands = operation.operands.map { operand in
      for value in operand.values where self[keyPath: side].find(value) == nil { addKey(value, side) }
      return operand.mapValues { self[keyPath: side].find($0) ?? $0 }
    }
    copied.regions = operation.regions.map { region in
      var region = region
      region.arguments = region.arguments.map { define($0, side) }
      region.operations = region.operations.map { copy($0, side) }
      region.results = region.results.map { $0.mapValues { self[keyPath: side].find($0) ?? $0 } }
      return region
    }
    copied.results = operation.results.map { define($0, side) }
    return copied
  }

  private mutating func define(_ value: Value, _ side: WritableKeyPath<ModeAssembler, Side>) -> Value {
    let info = self[keyPath: side].function.info(value)
    let defined = function.makeValue(info.type, hint: info.hint)
    self[keyPath: side].merged[value] = defined
    return defined
  }

  private mutating func addKey(_ value: Value, _ side: WritableKeyPath<ModeAssembler, Side>) {
    if self[keyPath: side].keys.contains(value) { keys.append(define(value, side)) }
  }

  // MARK: Choices

  /// One `mode` operation that yields all the choices, with what only they need inside.
  private mutating func choose(_ group: [Choice]) throws {
    guard !group.isEmpty else { return }
    let regions = [
      try region(yielding: group.map(\.training), \.training),
      try region(yielding: group.map(\.inference), \.inference),
    ]
    let results = group.map { choice in
      let info = training.function.info(choice.training)
      let hint = info.hint ?? inference.function.info(choice.inference).hint
      return function.makeValue(info.type, hint: hint)
    }
    let origins = group.map { choice in
      training.producers[choice.training]?.origin ?? inference.producers[choice.inference]?.origin
    }
    operations.append(
      Operation("mode", [], results: results, regions: regions, origin: origins.compactMap { $0 }.first ?? .unknown))
    for (choice, value) in zip(group, results) {
      choices[choice] = value
      // In its own mode the choice is the value itself.
      training.chosen[choice.training] = value
      inference.chosen[choice.inference] = value
    }
  }

  /// The operations that the values need and that stand nowhere yet.
  ///
  /// What they define is forgotten afterwards: it is not in scope outside of the region.
  private mutating func region(
    yielding values: [Value], _ side: WritableKeyPath<ModeAssembler, Side>
  ) throws -> Block {
    let outer = self[keyPath: side].merged
    let needed = missing(values, self[keyPath: side])
    var block = Block()
    for operation in self[keyPath: side].function.body.operations {
      guard let first = operation.results.first, needed.contains(first) else { continue }
      block.operations.append(copy(operation, side))
    }
    block.results = try values.map { value in
      guard let merged = self[keyPath: side].find(value) else {
        throw Diagnostic(.internalError, "a value of one mode was not merged")
      }
      return .value(merged)
    }
    let keys = self[keyPath: side].merged.filter { self[keyPath: side].keys.contains($0.key) }
    self[keyPath: side].merged = outer.merging(keys) { known, _ in known }
    return block
  }

  /// The first results of all operations on which the values depend and which the merged function lacks so far.
  private func missing(_ values: [Value], _ side: Side) -> Set<Value> {
    var found: Set<Value> = []
    var pending = values
    while let value = pending.popLast() {
      guard side.find(value) == nil, !side.keys.contains(value), let operation = side.producers[value],
        let first = operation.results.first, found.insert(first).inserted
      else { continue }
      pending += operation.usedValues
    }
    return found
  }

  // MARK: Random keys

  /// Gives every random operation that is left a key of its own, in program order.
  private mutating func splitKey() {
    let used = Set(function.body.freeValues)
    let left = keys.filter(used.contains)
    guard let argument = function.arguments.first(where: { $0.role == .key }), !left.isEmpty else { return }
    function.body.operations.insert(
      Operation("split_key", [.value(argument.value)], attributes: ["count": .int(left.count)], results: left), at: 0)
  }
}

extension [Operand] {
  /// The operands followed by absent ones, as many as any op may leave out.
  fileprivate var padded: [Operand] { self + Array(repeating: .absent, count: 16) }
}
