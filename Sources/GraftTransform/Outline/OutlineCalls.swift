package import GraftIR
import GraftOps
import OrderedCollections

/// Cuts a function along the calls of the model's modules and of the source's own functions: each call of a class of the
/// model's own becomes a function, and so does each call of a function.
///
/// Containers, and modules of an operation or two, stay part of their caller; but not one of two operations with several
/// parameters of its own, such as a linear layer, where there are many of its class. So does a module or function whose
/// operations cannot be taken together, or that needs a dynamic extent that none of its inputs has, and a function of an
/// operation or two.
package struct OutlineCalls {
  let source: Function
  private let keys: Set<Value>
  private let parameters: [Value: Argument]
  /// The modules of each class.
  private let instances: [String: Set<String>]

  /// How many layers of a class are a function though each is but two operations.
  private static let manyLayers = 3

  /// - Parameter inlined: the calls of the source's functions that stay part of their callers.
  /// - Throws: nothing that a valid function causes.
  package init(_ function: Function, inlining inlined: Set<Int> = []) throws {
    let separated = SeparateCalls(function, inlining: inlined).run()
    let finished = try UnstackSelections().run(SplitIntoHeads().run(separated))
    source = RematerialiseConstants(finished).run()
    let splits = source.body.operations.filter { $0.name == "split_key" }
    keys = Set(splits.flatMap(\.results) + source.arguments.filter { $0.role == .key }.map(\.value))
    parameters = Dictionary(
      source.arguments.filter { $0.path != nil }.map { ($0.value, $0) }, uniquingKeysWith: { a, _ in a })
    var instances: [String: Set<String>] = [:]
    for module in source.body.operations.flatMap(\.origin.modules) {
      instances[module.className, default: []].insert(module.path)
    }
    self.instances = instances
  }

  /// - Throws: nothing that a valid function causes.
  package func run() throws -> OutlinedFunction {
    let items = source.body.operations.filter { $0.name != "split_key" }.map {
      CallPartition.Item($0, calls: source.calls(around: $0.origin)[...])
    }
    var root = source
    return try body(items, of: &root, as: Callee(kind: .program, name: "", path: "", outerFrames: 0))
  }

  /// What a part of the program becomes a function as.
  struct Callee {
    var kind: OutlinedFunction.Kind
    var name: String
    /// The path of the module, of which it gets the parameters.
    var path: String
    /// How many frames of the operations' call stacks are those of its callers.
    var outerFrames: Int
  }

  // MARK: Bodies

  /// Gives `function` the operations as its body, with calls for the modules and functions among them.
  private func body(
    _ items: [CallPartition.Item], of function: inout Function, as own: Callee
  ) throws -> OutlinedFunction {
    var readers: [Value: [Origin]] = [:]
    for operation in items.map(\.operation) {
      for value in operation.usedValues { readers[value, default: []].append(operation.origin) }
    }
    let used = readers.mapValues(\.count)
    let returned = Set(function.body.results.flatMap(\.values))
    var partition = CallPartition(items) { accepts($0, $1, within: own.path) }
    var operations: [Operation] = []
    var calls: [CallSite] = []
    for element in partition.elements() {
      switch element {
      case .operation(let item):
        nameResults(of: item.operation, in: own, readers, of: &function)
        operations.append(item.operation)
      case .call(let call, let members):
        let callee = callee(call, members, in: own)
        let uses = uses(members)
        let prefix = callee.kind == .module ? callee.path.relative(to: own.path) + "." : nil
        if let prefix { function.stateUpdates.removeAll { $0.path.hasPrefix(prefix) } }
        let stored = function.stateUpdates.flatMap(\.value.values)
        let outside = returned.union(stored).union(used.filter { $0.value > uses[$0.key, default: 0] }.keys)
        let outlined = try outlined(callee, members, outside: outside)
        let results = outlined.function.body.results.flatMap(\.values)
        let origin = callOrigin(call, members)
        // The variables of the calling statement stand for what the way forward computes.
        if call.module?.isGradient != true { name(results, from: origin, in: own, of: callee, &function) }
        operations.append(
          Operation(
            Operation.callName, operands(of: outlined), attributes: ["site": .int(calls.count)], results: results,
            origin: origin))
        calls.append(CallSite(path: callee.path.relative(to: own.path), callee: outlined))
      }
    }
    function.body.operations = splitKeys(operations, in: &function)
    return OutlinedFunction(
      kind: own.kind, name: own.name, function: function, calls: calls, outerFrames: own.outerFrames)
  }

  /// What a function is called with: its inputs, and the program's key if it draws random numbers.
  private func operands(of callee: OutlinedFunction) -> [Operand] {
    callee.function.arguments.compactMap { argument in
      switch argument.role {
      case .input: .value(argument.value)
      case .key: source.arguments.first { $0.role == .key }.map { .value($0.value) }
      default: nil
      }
    }
  }

  private func callee(_ call: Call, _ members: [CallPartition.Item], in caller: Callee) -> Callee {
    switch call {
    case .module(let module):
      return Callee(
        kind: .module, name: module.className, path: module.path,
        outerFrames: outerFrames(of: module, members, in: caller))
    case .function(let number):
      return Callee(
        kind: .function(number), name: source.calls[number].function, path: path(of: number, members),
        outerFrames: source.calls[number].frames)
    }
  }

  /// The path of the module that calls a function.
  private func path(of function: Int, _ members: [CallPartition.Item]) -> String {
    members.last?.operation.origin.modules.prefix(source.calls[function].modules).last?.path ?? ""
  }

  private func interface(_ callee: Callee, _ members: [CallPartition.Item]) -> CallInterface {
    CallInterface(
      callee.path, isModule: callee.kind == .module, members.map(\.operation), parameters: parameters, keys: keys,
      updates: source.stateUpdates)
  }

  /// The function of one call.
  ///
  /// - Parameter outside: the values that are read elsewhere.
  private func outlined(
    _ callee: Callee, _ members: [CallPartition.Item], outside: Set<Value>
  ) throws -> OutlinedFunction {
    let interface = interface(callee, members)
    var function = source
    function.name = callee.name
    function.arguments = source.arguments.compactMap { argument in
      argument.inside(callee.path).flatMap { callee.kind == .module || interface.reads($0) ? $0 : nil }
    }
    var inputs = interface.inputs.map { (value: $0, name: source.info($0).hint ?? "x") }
    var results = members.flatMap(\.operation.results).filter(outside.contains)
    if case .function(let number) = callee.kind {
      let signature = CallSignature(source.calls[number], in: source)
      inputs = signature.named(interface.inputs)
      results = signature.ordered(results)
    }
    for (leaf, input) in inputs.enumerated() {
      function.arguments.append(Argument(.input(leaf: leaf), input.value))
      if callee.kind != .module { function.setHint(input.name, of: input.value) }
    }
    if interface.drawsRandomNumbers {
      function.arguments.append(Argument(.key, function.makeValue(TensorType(.key), hint: "rng")))
    }
    function.inputNames = inputs.map(\.name)
    function.inputs = .dict(inputs.enumerated().map { Tree.Field($1.name, .leaf($0)) })
    function.outputs = results.count == 1 ? .leaf(0) : .tuple(results.indices.map { .leaf($0) })
    function.body = Block(results: results.map { .value($0) })
    function.stateUpdates = interface.updates
    for operation in members.map(\.operation) where operation.origin.isReturned(below: callee.outerFrames) {
      for result in operation.results { function.setHint(nil, of: result) }
    }
    let inner = members.map { CallPartition.Item($0.operation, calls: $0.calls.dropFirst()) }
    return try body(inner, of: &function, as: callee)
  }

  // MARK: Which calls

  private func accepts(_ call: Call, _ members: [CallPartition.Item], within path: String) -> Bool {
    let fewest: Int
    switch call {
    case .module(let module):
      if module.isContainer || module.path == path { return false }
      fewest = module.isFrameworkLayer ? 6 : isOneOfManyLayers(module) ? 2 : 3
    case .function: fewest = 3
    }
    guard members.count >= fewest else { return false }
    let caller = Callee(kind: .program, name: "", path: path, outerFrames: 0)
    let interface = interface(callee(call, members, in: caller), members)
    guard interface.ownsItsState else { return false }
    var known: Set<String> = []
    for value in interface.inputs {
      known.formUnion(source.type(of: value).shape.compactMap { $0.linearSymbol })
    }
    return members.allSatisfy { symbols(of: $0.operation).isSubset(of: known) }
  }

  /// Whether there are many modules of the class, and each has several parameters of its own.
  func isOneOfManyLayers(_ module: ModuleCall) -> Bool {
    guard instances[module.className, default: []].count >= Self.manyLayers else { return false }
    let own = parameters.values.compactMap(\.path).filter { $0.hasPrefix(module.path + ".") }
    return own.count > 1 && own.allSatisfy { !$0.relative(to: module.path).contains(".") }
  }

  /// The dynamic extents that an operation may have to name.
  private func symbols(of operation: Operation) -> Set<String> {
    var symbols = operation.attributes.values.reduce(into: Set<String>()) { $0.formUnion($1.symbols) }
    for result in operation.results { symbols.formUnion(source.type(of: result).shape.flatMap(\.symbols)) }
    for inner in operation.regions.flatMap(\.operations) { symbols.formUnion(self.symbols(of: inner)) }
    return symbols
  }

  private func uses(_ items: [CallPartition.Item]) -> [Value: Int] {
    var uses: [Value: Int] = [:]
    for value in items.flatMap(\.operation.usedValues) { uses[value, default: 0] += 1 }
    return uses
  }

  // MARK: Keys

  /// Gives each operation that draws, and each call of a function that does, a key of its own.
  private func splitKeys(_ operations: [Operation], in function: inout Function) -> [Operation] {
    guard let key = function.arguments.first(where: { $0.role == .key })?.value else { return operations }
    let consumers = operations.reduce(0) { $0 + $1.usedValues.count(where: keys.contains) }
    guard consumers > 1 else { return operations.map { $0.replacing(keys) { key } } }
    let type = function.type(of: key)
    var own: [Value] = []
    let replaced = operations.map { operation in
      operation.replacing(keys) {
        own.append(function.makeValue(type, hint: "key"))
        return own[own.count - 1]
      }
    }
    let split = Operation(
      "split_key", [.value(key)], attributes: ["count": .int(own.count)], results: own)
    return [split] + replaced
  }
}

extension Operation {
  /// The operation with each occurrence of certain values replaced by one made for it.
  fileprivate func replacing(_ values: Set<Value>, with make: () -> Value) -> Operation {
    var copy = self
    copy.operands = operands.map { $0.mapValues { values.contains($0) ? make() : $0 } }
    copy.regions = regions.map { region in
      var block = region
      block.operations = region.operations.map { $0.replacing(values, with: make) }
      return block
    }
    return copy
  }
}

extension Argument {
  /// The same argument as a module within, or the program (at the empty path), sees it; nil if it is not part of that.
  fileprivate func inside(_ module: String) -> Argument? {
    switch role {
    case .parameter(let path, let trainable, let aliases) where module.isEmpty || path.hasPrefix(module + "."):
      Argument(.parameter(path: path.relative(to: module), trainable: trainable, aliases: aliases), value)
    case .state(let path, let persistent) where module.isEmpty || path.hasPrefix(module + "."):
      Argument(.state(path: path.relative(to: module), persistent: persistent), value)
    default: nil
    }
  }
}

extension String {
  /// The path as seen from the module at `module`.
  func relative(to module: String) -> String {
    self == module ? "" : module.isEmpty || !hasPrefix(module + ".") ? self : String(dropFirst(module.count + 1))
  }
}
