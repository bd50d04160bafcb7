import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops with regions, whose steps work on the plan's own buffers.
  static let control: [LoweringRule] = [
    LoweringRule(.cond) { planner, call in
      let condition = try planner.view(planner.expression(call[0], as: .bool))
      let results = try planner.resultViews(call)
      try planner.settle(call.regions)
      let branches = try call.regions.map { region in
        try planner.recorded { try planner.lower(region, arguments: [], into: results) }
      }
      planner.add(ConditionStep(condition: condition, whenTrue: branches[0], whenFalse: branches[1]))
      return results.map { Expression($0) }
    },
    LoweringRule(.whileLoop) { planner, call in
      let state = try planner.resultViews(call)
      for (view, value) in zip(state, call[0].values) { try planner.start(view, with: planner.expression(value)) }
      try planner.settle(call.regions)
      let condition = try planner.allocate([], .bool)
      let test = try planner.recorded(repeatedly: state) {
        try planner.lower(call.regions[0], arguments: state, into: [condition])
      }
      let body = try planner.recorded(repeatedly: state) {
        try planner.advance(state, by: call.regions[1], elements: [], outputs: [])
      }
      planner.add(WhileStep(test: test, condition: condition, body: body))
      return state.map { Expression($0) }
    },
    LoweringRule(.scan) { planner, call in
      let results = try planner.resultViews(call)
      let (state, collected) = (Array(results.prefix(call[0].values.count)), results.dropFirst(call[0].values.count))
      for (view, value) in zip(state, call[0].values) { try planner.start(view, with: planner.expression(value)) }
      try planner.settle(call.regions)
      let sequences = try call[1].values.map { try planner.view(planner.expression($0)) }
      let (inputs, outputs) = (try sequences.map(planner.slot), try collected.map(planner.slot))
      let body = try planner.recorded(repeatedly: state + (inputs + outputs).map(\.element)) {
        try planner.advance(
          state, by: call.regions[0], elements: inputs.map(\.element), outputs: outputs.map(\.element))
      }
      planner.add(
        ScanStep(
          count: try call.int("count"), isReversed: try call.bool("reverse"), inputs: inputs, outputs: outputs,
          body: body))
      return results.map { Expression($0) }
    },
  ]
}

extension Planner {
  /// Memory for each result.
  fileprivate func resultViews(_ call: OpCall) throws -> [View] {
    try call.results.indices.map { index in
      let (shape, dtype) = try call.resultType(self, index)
      return try allocate(shape, dtype)
    }
  }

  /// A sequence and the window through which a loop's body sees it.
  fileprivate func slot(_ sequence: View) throws -> ScanStep.Slot {
    let goesBack = zip(sequence.shape, sequence.strides).dropFirst().contains { $0 > 1 && $1 < 0 }
    let forward = goesBack ? try rowMajorView(Expression(sequence)) : sequence
    return ScanStep.Slot(sequence: forward, element: window(on: forward))
  }

  /// Computes what regions use from outside, which they may not compute for each other.
  fileprivate func settle(_ regions: [Block]) throws {
    for value in regions.flatMap(\.freeValues) {
      let expression = try expression(value)
      if case .scalar = expression.node { continue }
      _ = try view(expression)
    }
  }

  /// Lays down the steps of a region whose arguments lie in memory, and of writing its results.
  fileprivate func lower(_ region: Block, arguments: [View], into results: [View]) throws {
    for (argument, view) in zip(region.arguments, arguments) { try define(argument, Expression(view)) }
    for operation in region.operations { try NativeLowering.lower(operation, self) }
    for (operand, result) in zip(region.results, results) {
      try compute(
        stretched(expression(operand, as: result.dtype).converted(to: result.dtype), result.shape), into: result)
    }
  }

  /// Lays down the steps of a loop's body: the next state is computed beside the state that it is computed from.
  fileprivate func advance(_ state: [View], by region: Block, elements: [View], outputs: [View]) throws {
    let next = try state.map { try allocate($0.shape, $0.dtype) }
    try lower(region, arguments: state + elements, into: next + outputs)
    for (new, old) in zip(next, state) { try compute(Expression(new), into: old) }
  }
}
