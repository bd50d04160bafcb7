package import GraftIR
import GraftOps
import OrderedCollections

/// Cuts a function along the calls of the model's modules: each call of a class of the model's own becomes a function.
///
/// Containers, and modules of an operation or two, stay part of their caller; but not one of two operations with several
/// parameters of its own, such as a linear layer, where there are many of its class. So does a module whose operations
/// cannot be taken together, or that needs a dynamic extent that none of its inputs has.
package struct OutlineModules {
  private let source: Function
  private let keys: Set<Value>
  private let parameters: [Value: Argument]
  /// The modules of each class.
  private let instances: [String: Set<String>]

  /// How many layers of a class are a function though each is but two operations.
  private static let manyLayers = 3

  package init(_ function: Function) {
    source = RematerialiseConstants(function).run()
    let splits = function.body.operations.filter { $0.name == "split_key" }
    keys = Set(splits.flatMap(\.results) + function.arguments.filter { $0.role == .key }.map(\.value))
    parameters = Dictionary(
      function.arguments.filter { $0.path != nil }.map { ($0.value, $0) }, uniquingKeysWith: { a, _ in a })
    var instances: [String: Set<String>] = [:]
    for module in function.body.operations.flatMap(\.origin.modules) {
      instances[module.className, default: []].insert(module.path)
    }
    self.instances = instances
  }

  /// - Throws: nothing that a valid function causes.
  package func run() throws -> OutlinedFunction {
    let items = source.body.operations.filter { $0.name != "split_key" }.map {
      ModulePartition.Item($0, modules: $0.origin.modules[...])
    }
    var root = source
    return try body(items, path: "", className: "", outerFrames: 0, of: &root)
  }

  // MARK: Bodies

  /// Gives `function` the operations as its body, with calls for the modules among them.
  ///
  /// - Parameter outerFrames: how many frames of the operations' call stacks are those of its callers.
  private func body(
    _ items: [ModulePartition.Item], path: String, className: String, outerFrames: Int, of function: inout Function
  ) throws -> OutlinedFunction {
    var readers: [Value: [Origin]] = [:]
    for operation in items.map(\.operation) {
      for value in operation.usedValues { readers[value, default: []].append(operation.origin) }
    }
    let used = readers.mapValues(\.count)
    let returned = Set(function.body.results.flatMap(\.values))
    var partition = ModulePartition(items) { accepts($0, $1, within: path) }
    var operations: [Operation] = []
    var calls: [ModuleCallSite] = []
    for element in partition.elements() {
      switch element {
      case .operation(let item):
        nameResults(of: item.operation, in: path, outerFrames: outerFrames, readers, of: &function)
        operations.append(item.operation)
      case .call(let module, let members):
        let own = uses(members)
        let prefix = module.path.relative(to: path) + "."
        let stored = function.stateUpdates.filter { !$0.path.hasPrefix(prefix) }.flatMap(\.value.values)
        let outside = returned.union(stored).union(used.filter { $0.value > own[$0.key, default: 0] }.keys)
        let innerFrames = self.outerFrames(of: module, members, in: path, from: outerFrames)
        let origin = callOrigin(module, members)
        let callee = try callee(module, members, outside: outside, outerFrames: innerFrames)
        let results = callee.function.body.results.flatMap(\.values)
        let operands = callee.function.arguments.compactMap { argument -> Operand? in
          switch argument.role {
          case .input: .value(argument.value)
          case .key: source.arguments.first { $0.role == .key }.map { .value($0.value) }
          default: nil
          }
        }
        name(results, from: origin, outerFrames: outerFrames, in: &function)
        operations.append(
          Operation(
            Operation.callName, operands, attributes: ["site": .int(calls.count)], results: results,
            origin: origin))
        function.stateUpdates.removeAll { $0.path.hasPrefix(prefix) }
        calls.append(ModuleCallSite(path: module.path.relative(to: path), callee: callee))
      }
    }
    function.body.operations = splitKeys(operations, in: &function)
    return OutlinedFunction(className: className, function: function, calls: calls)
  }

  /// The function of one call of a module.
  private func callee(
    _ module: ModuleCall, _ members: [ModulePartition.Item], outside: Set<Value>, outerFrames: Int
  ) throws -> OutlinedFunction {
    let interface = ModuleInterface(
      module.path, members.map(\.operation), parameters: parameters, keys: keys, updates: source.stateUpdates)
    var function = source
    function.name = module.className
    function.arguments = source.arguments.compactMap { $0.inside(module.path) }
    for (leaf, value) in interface.inputs.enumerated() {
      function.arguments.append(Argument(.input(leaf: leaf), value))
    }
    if interface.drawsRandomNumbers {
      function.arguments.append(Argument(.key, function.makeValue(TensorType(.key), hint: "rng")))
    }
    function.inputNames = interface.inputs.map { source.info($0).hint ?? "x" }
    function.inputs = .dict(
      interface.inputs.indices.map { Tree.Field(function.inputNames[$0], .leaf($0)) })
    let results = members.flatMap(\.operation.results).filter(outside.contains)
    function.outputs = results.count == 1 ? .leaf(0) : .tuple(results.indices.map { .leaf($0) })
    function.body = Block(results: results.map { .value($0) })
    function.stateUpdates = interface.updates
    for operation in members.map(\.operation) where operation.origin.isReturned(below: outerFrames) {
      for result in operation.results { function.setHint(nil, of: result) }
    }
    let inner = members.map { ModulePartition.Item($0.operation, modules: $0.modules.dropFirst()) }
    return try body(
      inner, path: module.path, className: module.className, outerFrames: outerFrames, of: &function)
  }

  // MARK: Which modules

  private func accepts(
    _ module: ModuleCall, _ members: [ModulePartition.Item], within path: String
  ) -> Bool {
    if module.isContainer || module.path == path { return false }
    let fewest = module.isFrameworkLayer ? 6 : isOneOfManyLayers(module) ? 2 : 3
    guard members.count >= fewest else { return false }
    let operations = members.map(\.operation)
    let interface = ModuleInterface(
      module.path, operations, parameters: parameters, keys: keys, updates: source.stateUpdates)
    guard interface.ownsItsState else { return false }
    var known: Set<String> = []
    for value in interface.inputs {
      known.formUnion(source.type(of: value).shape.compactMap { $0.linearSymbol })
    }
    return operations.allSatisfy { symbols(of: $0).isSubset(of: known) }
  }

  /// Whether there are many modules of the class, and each has several parameters of its own.
  private func isOneOfManyLayers(_ module: ModuleCall) -> Bool {
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

  private func uses(_ items: [ModulePartition.Item]) -> [Value: Int] {
    var uses: [Value: Int] = [:]
    for value in items.flatMap(\.operation.usedValues) { uses[value, default: 0] += 1 }
    return uses
  }

  // MARK: Names and origins

  /// Names a call's results after the variables of the calling statement; a single result of a statement that assigns
  /// none gets the name of the input that it replaces, once the inputs have theirs.
  private func name(
    _ results: [Value], from call: Origin, outerFrames: Int, in function: inout Function
  ) {
    let targets = call.frames.count > outerFrames ? call.frames.last?.assignmentTargets ?? [] : []
    for (index, result) in results.enumerated() {
      if targets.count == results.count {
        function.setHint(targets[index], of: result)
      } else if results.count == 1 {
        function.setHint(nil, of: result)
      }
    }
  }

  /// Names what a module that stays part of its caller returns after the variable of the calling statement.
  private func nameResults(
    of operation: Operation, in path: String, outerFrames outer: Int, _ readers: [Value: [Origin]],
    of function: inout Function
  ) {
    let origin = operation.origin
    let depth = origin.modules.lastIndex { $0.path == path }.map { $0 + 1 } ?? 0
    guard let module = origin.modules.dropFirst(depth).first(where: { !$0.isContainer }), !module.isFrameworkLayer,
      let attribute = module.path.split(separator: ".").last,
      let call = origin.frames.dropFirst(outer).first(where: { $0.text.contains(".\(attribute)(") }),
      call.assignmentTargets.count == 1
    else { return }
    for result in operation.results where readers[result, default: []].allSatisfy({ !$0.modules.contains(module) }) {
      function.setHint(call.assignmentTargets[0], of: result)
    }
  }

  /// How many frames of a called module's operations are those of its callers: those before its `forward`.
  private func outerFrames(
    of module: ModuleCall, _ members: [ModulePartition.Item], in path: String, from outer: Int
  ) -> Int {
    guard let origin = members.last?.operation.origin, let index = origin.modules.firstIndex(of: module) else {
      return outer
    }
    let caller = origin.modules[..<index].lastIndex { $0.path == path } ?? -1
    var skipped = origin.modules[(caller + 1)..<index].count { !$0.isContainer }
    for (position, frame) in origin.frames.enumerated().dropFirst(outer + 1)
    where frame.function == "forward" && !frame.file.hasSuffix("/container.py") {
      if skipped == 0 { return position }
      skipped -= 1
    }
    return outer
  }

  /// The origin of the calling statement: the innermost one that all of the call's operations are part of. Those of a
  /// small layer may all be part of a statement of its own, which its `forward` begins.
  private func callOrigin(_ module: ModuleCall, _ members: [ModulePartition.Item]) -> Origin {
    guard var origin = members.last?.operation.origin else { return .unknown }
    let depth = origin.modules.firstIndex(of: module) ?? 0
    origin.modules = Array(origin.modules.prefix(depth))
    var common = origin.frames
    if isOneOfManyLayers(module), let own = common.lastIndex(where: { $0.function == "forward" }), own > 0 {
      common = Array(common[..<own])
    }
    for member in members {
      let frames = member.operation.origin.frames
      let shared = zip(common, frames).prefix { $0.file == $1.file && $0.line == $1.line }.count
      common = Array(common.prefix(shared))
    }
    while let last = common.last, last.text.hasPrefix("return"), common.count > 1 { common.removeLast() }
    origin.frames = common
    return origin
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

extension Origin {
  /// Whether the frames from a certain one on only return what the operation computes, so that it is their caller who
  /// names it.
  fileprivate func isReturned(below outer: Int) -> Bool {
    outer > 0 && frames.count > outer
      && frames[outer...].allSatisfy { $0.assignmentTargets.isEmpty && $0.text.hasPrefix("return") }
  }
}

extension Argument {
  /// The same argument as a module within sees it; nil if it is not part of that module.
  fileprivate func inside(_ module: String) -> Argument? {
    switch role {
    case .parameter(let path, let trainable, let aliases) where path.hasPrefix(module + "."):
      Argument(.parameter(path: path.relative(to: module), trainable: trainable, aliases: aliases), value)
    case .state(let path, let persistent) where path.hasPrefix(module + "."):
      Argument(.state(path: path.relative(to: module), persistent: persistent), value)
    default: nil
    }
  }
}

extension String {
  /// The path as seen from the module at `module`.
  func relative(to module: String) -> String {
    module.isEmpty || !hasPrefix(module + ".") ? self : String(dropFirst(module.count + 1))
  }
}
