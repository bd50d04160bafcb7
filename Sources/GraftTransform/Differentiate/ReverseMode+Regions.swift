import GraftIR
import GraftOps
import OrderedCollections

extension ReverseMode {
  /// Takes the cotangents of an op with regions back through them.
  ///
  /// What a region computed is computed again there; a `scan` keeps what that needs.
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
  func captures(_ call: OpCall) -> [Value] {
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
