import GraftIR

/// The step of a recurrent network: the new states from the product with the input and the states before.
package enum RecurrentStep: Sendable {
  case lstm, gru
  /// With its activation.
  case rnn(String)

  fileprivate init(_ call: OpCall) throws {
    switch call.definition.name {
    case "lstm", "lstm_cell": self = .lstm
    case "gru", "gru_cell": self = .gru
    default: self = .rnn(try call.string("activation"))
    }
  }

  /// How many states there are.
  fileprivate var stateCount: Int { if case .lstm = self { 2 } else { 1 } }
}

/// The weights of one layer in one direction, as PyTorch orders them.
private struct RecurrentWeights {
  let input: Operand
  let hidden: Operand
  let inputBias: Operand
  let hiddenBias: Operand
  let projection: Operand

  init(_ weights: [Operand], hasBiases: Bool) {
    input = weights[0]
    hidden = weights[1]
    inputBias = hasBiases ? weights[2] : .absent
    hiddenBias = hasBiases ? weights[3] : .absent
    projection = weights.count > (hasBiases ? 4 : 2) ? weights[weights.count - 1] : .absent
  }
}

extension GraphBuilder {
  /// The decomposition of one step.
  func recurrentCell(_ op: OpCall) throws -> [Operand] {
    let step = try RecurrentStep(op)
    let states = (1...step.stateCount).map { op[$0] }
    let given = (step.stateCount + 1...step.stateCount + 4).map { op[$0] }
    let weights = RecurrentWeights(given, hasBiases: true)
    let fromInput = try linear(op[0], weights.input, weights.inputBias)
    return try recurrentStep(step, fromInput, states, weights)
  }

  /// The decomposition of a sequence: a scan for each layer and direction.
  func recurrentSequence(_ op: OpCall) throws -> [Operand] {
    let step = try RecurrentStep(op)
    let count = step.stateCount
    let (layers, directions) = (try op.int("layers"), try op.bool("bidirectional") ? 2 : 1)
    let values = op[count + 1].values.map { Operand.value($0) }
    let perDirection = values.count / (layers * directions)
    let keys = try dropoutKeys(op, layers: layers)
    var (x, ends) = (op[0], Array(repeating: [Operand](), count: count))
    for layer in 0..<layers {
      var outputs: [Operand] = []
      for direction in 0..<directions {
        let row = layer * directions + direction
        let own = Array(values[row * perDirection..<(row + 1) * perDirection])
        let results = try recurrentScan(
          step, x, from: (0..<count).map { try position(row, of: op[$0 + 1]) },
          RecurrentWeights(own, hasBiases: op.bool("biases")), isReversed: direction == 1)
        for index in 0..<count { ends[index].append(results[index]) }
        outputs.append(results[count])
      }
      x = try joined(outputs, axis: 2)
      if keys.indices.contains(layer) {
        x = try self(.dropout, x, keys[layer], attributes: ["rate": try op.attribute("dropout_rate")])
      }
    }
    return try [x] + ends.map { try self(.stack, .list($0.compactMap(\.asValue)), attributes: ["axis": .int(0)]) }
  }

  /// A key for each layer's output but the last's, where some of it is dropped.
  private func dropoutKeys(_ op: OpCall, layers: Int) throws -> [Operand] {
    guard let key = op.definition.operandIndex("rng"), !op[key].isAbsent, try op.double("dropout_rate") > 0, layers > 1
    else { return [] }
    return try apply(.splitKey, [op[key]], attributes: ["count": .int(layers - 1)])
  }

  /// One layer in one direction: the last states, and the output [T, N, P].
  private func recurrentScan(
    _ step: RecurrentStep, _ x: Operand, from initial: [Operand], _ weights: RecurrentWeights, isReversed: Bool
  ) throws -> [Operand] {
    let fromInputs = try linear(x, weights.input, weights.inputBias)
    let elementType = type(fromInputs).with(shape: Array(shape(fromInputs).dropFirst()))
    let body = try region(arguments: initial.map(type) + [elementType]) { arguments in
      let next = try recurrentStep(step, arguments[initial.count], Array(arguments.dropLast()), weights)
      return next + [next[0]]
    }
    return try apply(
      .scan, [.list(initial.compactMap(\.asValue)), .list(fromInputs.values)],
      attributes: ["count": .dim(shape(x)[0]), "reverse": .bool(isReversed)], regions: [body])
  }

  private func recurrentStep(
    _ step: RecurrentStep, _ fromInput: Operand, _ states: [Operand], _ weights: RecurrentWeights
  ) throws -> [Operand] {
    let fromState = try linear(states[0], weights.hidden, weights.hiddenBias)
    switch step {
    case .rnn(let activation):
      return [try self(activation == "relu" ? .relu : .tanh, try self(.add, fromState, fromInput))]
    case .lstm:
      let gates = try parts(4, of: self(.add, fromState, fromInput))
      let kept = try gates[1].applying(.sigmoid) * Term(self, states[1])
      let c = try kept + gates[0].applying(.sigmoid) * gates[2].applying(.tanh)
      let h = try gates[3].applying(.sigmoid) * c.applying(.tanh)
      return [try weights.projection.isAbsent ? h.operand : linear(h.operand, weights.projection, .absent), c.operand]
    case .gru:
      let (own, other) = (try parts(3, of: fromInput), try parts(3, of: fromState))
      let reset = try (own[0] + other[0]).applying(.sigmoid)
      let update = try (own[1] + other[1]).applying(.sigmoid)
      let new = try (own[2] + reset * other[2]).applying(.tanh)
      return [try (new + update * (Term(self, states[0]) - new)).operand]
    }
  }

  private func linear(_ x: Operand, _ weight: Operand, _ bias: Operand) throws -> Operand {
    try apply(.linear, bias.isAbsent ? [x, weight] : [x, weight, bias])[0]
  }

  /// Equal parts of the last axis.
  private func parts(_ count: Int, of x: Operand) throws -> [Term] {
    let axis = shape(x).count - 1
    let extent = shape(x)[axis].floorDivided(by: Dim(count))
    return try (0..<count).map { part in
      Term(self, try slice(x, axis: axis, from: Dim(part) * extent, to: Dim(part + 1) * extent))
    }
  }

  private func position(_ index: Int, of x: Operand) throws -> Operand {
    try self(.select, x, attributes: ["axis": .int(0), "index": .int(index)])
  }

  private func joined(_ parts: [Operand], axis: Int) throws -> Operand {
    parts.count == 1
      ? parts[0] : try self(.concat, .list(parts.compactMap(\.asValue)), attributes: ["axis": .int(axis)])
  }
}
