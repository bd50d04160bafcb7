import GraftIR
import GraftOps
import OrderedCollections

extension ReverseMode {
  /// Takes the cotangents of an op with regions back through them.
  ///
  /// What a region computed is computed again there: of `scan`, from the state before each run, which was kept.
  func pullThroughRegions(_ call: OpCall, _ cotangents: [Operand?]) throws {
    switch call.definition.name {
    case OpDefinition.cond.name: try pullThroughBranches(call, cotangents)
    case OpDefinition.scan.name: try pullThroughScan(call, cotangents)
    default:
      throw Diagnostic(
        .unsupported, "`\(call.definition.name)` has no gradient: how often it runs at most is not known",
        remedy: "Write the loop with a fixed number of runs.")
    }
  }

  /// The values from outside that the regions read and a gradient is asked for.
  private func captures(_ call: OpCall) -> [Value] {
    Array(OrderedSet(call.regions.flatMap(\.freeValues).filter(varying.contains)))
  }

  private func pullThroughBranches(_ call: OpCall, _ cotangents: [Operand?]) throws {
    let captures = captures(call)
    let regions = try call.regions.map { region in
      try builder.region { _ in
        let found = try gradients(of: builder.copy(region, taking: []), cotangents, to: captures)
        return try zip(captures, found).map { try $1 ?? builder.zeros(like: $0) }
      }
    }
    for (value, cotangent) in zip(captures, try builder.apply(.cond, [call[0]], regions: regions)) {
      try accumulate(cotangent, at: value)
    }
  }

  // MARK: Scans

  /// A `scan` that collects, after what it yields, the state before each run; any other operation as it is.
  func recordingStates(_ operation: Operation) -> Operation {
    guard operation.name == OpDefinition.scan.name, var region = operation.regions.first,
      let count = operation.attributes["count"]?.asDim
    else { return operation }
    var recording = operation
    let states = region.arguments.prefix(operation.operands[0].values.count)
    region.results += states.map { .value($0) }
    recording.regions = [region]
    recording.results += states.map { state in
      let type = builder.function.type(of: state)
      return builder.function.makeValue(type.with(shape: [count] + type.shape))
    }
    return recording
  }

  /// The parts of a scan that records its states, and what is carried back through it.
  private struct ReversedScan {
    let region: Block
    let initial: [Value]
    let sequences: [Value]
    /// The state before each run, along a first axis.
    let recorded: [Value]
    /// The positions of what has cotangents among the states and sequences, and in what is collected.
    var states: [Int]
    var elements: [Int]
    var collected: [Int]
    var captures: [Value]
  }

  private func pullThroughScan(_ call: OpCall, _ cotangents: [Operand?]) throws {
    let (initial, sequences, region) = (call[0].values, call[1].values, call.regions[0])
    let yields = call.results.count - initial.count
    let scan = ReversedScan(
      region: region, initial: initial, sequences: sequences, recorded: Array(call.results.suffix(initial.count)),
      states: initial.indices.filter { isDifferentiable(initial[$0]) },
      elements: sequences.indices.filter { varying.contains(sequences[$0]) },
      collected: (initial.count..<yields).filter { cotangents[$0] != nil }, captures: captures(call))
    let carried =
      try scan.states.map { try cotangents[$0] ?? builder.zeros(like: initial[$0]) }
      + scan.captures.map { try builder.zeros(like: $0) }
    let read = scan.recorded + sequences + scan.collected.compactMap { cotangents[$0]?.asValue }
    let types = carried.map(builder.type) + read.map { builder.function.type(of: $0).withoutFirstAxis }
    let reversed = try builder.region(arguments: types) { try runBack(scan, $0) }
    let results = try builder.apply(
      .scan, [.list(carried.compactMap(\.asValue)), .list(read)],
      attributes: ["count": try call.attribute("count"), "reverse": .bool(try !call.bool("reverse"))],
      regions: [reversed])
    let targets = scan.states.map { initial[$0] } + scan.captures + scan.elements.map { sequences[$0] }
    for (value, cotangent) in zip(targets, results) { try accumulate(cotangent, at: value) }
  }

  /// One run of the region again, and back.
  ///
  /// - Parameter arguments: the cotangents of the states, sums for the captures, the states before the run, the elements, the
  ///   cotangents of what was collected.
  /// - Returns: the cotangents of the states before the run, the sums, the cotangents of the elements.
  private func runBack(_ scan: ReversedScan, _ arguments: [Operand]) throws -> [Operand] {
    var rest = arguments[...]
    func take(_ count: Int) -> [Operand] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    let carried = take(scan.states.count)
    let sums = take(scan.captures.count)
    let inputs = take(scan.initial.count + scan.sequences.count)
    var given = [Operand?](repeating: nil, count: scan.region.results.count)
    for (index, cotangent) in zip(scan.states + scan.collected, carried + take(scan.collected.count)) {
      given[index] = cotangent
    }
    let values = inputs.compactMap(\.asValue)
    let states = scan.states.map { values[$0] }
    let elements = scan.elements.map { values[scan.initial.count + $0] }
    let wanted = states + scan.captures + elements
    let found = try gradients(of: builder.copy(scan.region, taking: values), given, to: wanted)
    return try zip(wanted, found).enumerated().map { index, pair in
      let place = index - states.count
      guard sums.indices.contains(place) else { return try pair.1 ?? builder.zeros(like: pair.0) }
      return try pair.1.map { try builder(.add, sums[place], $0) } ?? sums[place]
    }
  }
}

extension GraphBuilder {
  /// A region's operations with fresh values, its arguments replaced.
  func copy(_ block: Block, taking arguments: [Value]) -> Block {
    var fresh = Dictionary(zip(block.arguments, arguments), uniquingKeysWith: { first, _ in first })
    return copy(block, &fresh)
  }

  private func copy(_ block: Block, _ fresh: inout [Value: Value]) -> Block {
    func renew(_ value: Value) -> Value {
      let info = function.info(value)
      let renewed = function.makeValue(info.type, hint: info.hint)
      fresh[value] = renewed
      return renewed
    }
    func read(_ operand: Operand) -> Operand { operand.mapValues { fresh[$0] ?? $0 } }
    let operations = block.operations.map { original in
      var operation = original
      operation.operands = original.operands.map(read)
      operation.regions = original.regions.map { region in
        let arguments = region.arguments.map(renew)
        var inner = copy(region, &fresh)
        inner.arguments = arguments
        return inner
      }
      operation.results = original.results.map(renew)
      return operation
    }
    return Block(operations: operations, results: block.results.map(read))
  }

  /// A `while` of at most `bound` runs as a `scan` that stays where it is once the test has failed.
  func boundedLoop(_ call: OpCall) throws -> [Operand] {
    let initial = call[0]
    let (test, body) = (call.regions[0], call.regions[1])
    let types = initial.values.map(function.type)
    let run = try region(arguments: types) { state in
      let values = state.compactMap(\.asValue)
      let tested = copy(test, taking: values)
      tested.operations.forEach(append)
      let taken = region { _ in
        let copied = copy(body, taking: values)
        copied.operations.forEach(append)
        return copied.results
      }
      return try apply(.cond, [tested.results[0]], regions: [taken, region { _ in state }])
    }
    return try apply(
      .scan, [initial, .list([])], attributes: ["count": try call.attribute("bound")], regions: [run])
  }
}

extension TensorType {
  fileprivate var withoutFirstAxis: TensorType { with(shape: Array(shape.dropFirst())) }
}
