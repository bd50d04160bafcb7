import GraftIR
import GraftOps

extension LoweringRule {
  /// Recurrent networks: the products with the inputs of all steps at once, then step by step those with the state.
  static let recurrent: [LoweringRule] = [
    LoweringRule(.lstm) { planner, call in try planner.recurrent(call, .lstm, states: 2) },
    LoweringRule(.gru) { planner, call in try planner.recurrent(call, .gru, states: 1) },
    LoweringRule(.rnn) { planner, call in
      try planner.recurrent(call, .rnn(try call.activation()), states: 1)
    },
    LoweringRule(.lstmCell) { planner, call in try planner.recurrentCell(call, .lstm, states: 2) },
    LoweringRule(.gruCell) { planner, call in try planner.recurrentCell(call, .gru, states: 1) },
    LoweringRule(.rnnCell) { planner, call in
      try planner.recurrentCell(call, .rnn(try call.activation()), states: 1)
    },
  ]
}

/// What one step of a recurrent network computes.
private enum RecurrentCell {
  case lstm
  case gru
  case rnn(BlockOperator)
}

/// The weights of one layer in one direction; biases as rows that broadcast.
private struct RecurrentWeights {
  /// [I, gates * H] and [H, gates * H].
  let input: Expression
  let hidden: Expression
  let inputBias: Expression?
  let hiddenBias: Expression?
  /// [H, P].
  let projection: Expression?
}

extension OpCall {
  fileprivate func activation() throws -> BlockOperator { try string("activation") == "relu" ? .relu : .tanh }
}

extension Planner {
  /// Layer by layer: x [T, N, I] and the states [layers * directions, N, H] to the outputs and the last states.
  fileprivate func recurrent(_ call: OpCall, _ cell: RecurrentCell, states count: Int) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    guard call["rng"].isAbsent else {
      throw Diagnostic(.unsupported, "dropout between recurrent layers is not native yet", at: origin.location)
    }
    guard dtype.computeType == dtype else {
      throw Diagnostic(.unsupported, "recurrent networks of \(dtype.rawValue) are not native yet", at: origin.location)
    }
    var x = try expression(call[0], as: dtype)
    let initial = try (1...count).map { try view(expression(call[$0], as: dtype)) }
    let ends = try initial.map { try allocate($0.shape, dtype) }
    let weights = try call[count + 1].values.map { try expression($0) }
    let (layers, directions) = (try call.int("layers"), try call.bool("bidirectional") ? 2 : 1)
    guard layers >= 1, layers <= weights.count, initial[0].shape[0] == layers * directions,
      weights.count % (layers * directions) == 0, weights.count / (layers * directions) >= 2
    else { throw invalid("\(weights.count) weights are not those of \(layers) layers") }
    let perDirection = weights.count / (layers * directions)
    for layer in 0..<layers {
      let width = initial[0].shape[2]
      let output = try allocate([shape[0], shape[1], width * directions], dtype)
      for direction in 0..<directions {
        let row = layer * directions + direction
        let own = try recurrentWeights(
          Array(weights[row * perDirection..<(row + 1) * perDirection]), hasBiases: try call.bool("biases"))
        let last = try scan(
          cell, own, x, from: initial.map { $0.part(row) }, isReversed: direction == 1,
          into: output.sliced(
            starts: [0, 0, direction * width], stops: [shape[0], shape[1], (direction + 1) * width], steps: [1, 1, 1]))
        for (end, state) in zip(ends, last) { try compute(state, into: end.part(row)) }
      }
      x = Expression(output)
    }
    return [x] + ends.map { Expression($0) }
  }

  fileprivate func recurrentCell(_ call: OpCall, _ cell: RecurrentCell, states count: Int) throws -> [Expression] {
    let (_, dtype) = try call.resultType(self)
    let x = try expression(call[0], as: dtype)
    let states = try (1...count).map { try expression(call[$0], as: dtype) }
    let given = (count + 1...count + 4).filter { !call[$0].isAbsent }
    let weights = try recurrentWeights(given.map { try expression(call[$0], as: dtype) }, hasBiases: given.count == 4)
    let fromInput = try affine(x, weights.input, weights.inputBias)
    return try step(cell, weights, fromInput, states)
  }

  private func recurrentWeights(_ given: [Expression], hasBiases: Bool) throws -> RecurrentWeights {
    func transposed(_ weight: Expression) throws -> Expression { Expression(try view(weight).transposed([1, 0])) }
    let projection = given.count > (hasBiases ? 4 : 2) ? given.last : nil
    return RecurrentWeights(
      input: try transposed(given[0]), hidden: try transposed(given[1]), inputBias: hasBiases ? given[2] : nil,
      hiddenBias: hasBiases ? given[3] : nil, projection: try projection.map(transposed))
  }

  /// Runs the steps of one layer in one direction.
  /// - Returns: the last states.
  private func scan(
    _ cell: RecurrentCell, _ weights: RecurrentWeights, _ x: Expression, from initial: [View], isReversed: Bool,
    into output: View
  ) throws -> [Expression] {
    let fromInputs = try view(affine(x, weights.input, weights.inputBias))
    var states = initial.map { Expression($0) }
    let times = Array(0..<x.shape[0])
    for time in isReversed ? times.reversed() : times {
      let next = try step(cell, weights, Expression(fromInputs.part(time)), states)
      try compute(next[0], into: output.part(time))
      states = try [Expression(output.part(time))] + next.dropFirst().map { Expression(try view($0)) }
    }
    return states
  }

  /// x @ weight + bias.
  private func affine(_ x: Expression, _ weight: Expression, _ bias: Expression?) throws -> Expression {
    let product = try product(x, weight)
    return try bias.map { try applying(.add, product, $0) } ?? product
  }

  /// One step: the new states, the output's first.
  private func step(
    _ cell: RecurrentCell, _ weights: RecurrentWeights, _ fromInput: Expression, _ states: [Expression]
  ) throws -> [Expression] {
    let fromState = try affine(states[0], weights.hidden, weights.hiddenBias)
    switch cell {
    case .rnn(let activation): return [try applying(activation, applying(.add, fromState, fromInput))]
    case .lstm:
      let gates = try parts(4, of: applying(.add, fromState, fromInput))
      let kept = try applying(.multiply, applying(.sigmoid, gates[1]), states[1])
      let new = try applying(.multiply, applying(.sigmoid, gates[0]), applying(.tanh, gates[2]))
      let c = Expression(try view(applying(.add, kept, new)))
      let h = try applying(.multiply, applying(.sigmoid, gates[3]), applying(.tanh, c))
      return [try weights.projection.map { try product(h, $0) } ?? h, c]
    case .gru:
      let (own, other) = (try parts(3, of: fromInput), try parts(3, of: fromState))
      let reset = try applying(.sigmoid, applying(.add, own[0], other[0]))
      let update = try applying(.sigmoid, applying(.add, own[1], other[1]))
      let new = try applying(.tanh, applying(.add, own[2], applying(.multiply, reset, other[2])))
      let difference = try applying(.subtract, states[0], new)
      return [try applying(.add, new, applying(.multiply, update, difference))]
    }
  }

  /// Equal parts of the last axis.
  private func parts(_ count: Int, of x: Expression) throws -> [Expression] {
    let whole = try view(x)
    let extent = whole.shape[whole.rank - 1] / count
    return (0..<count).map { part in
      var (starts, stops) = (whole.shape.map { _ in 0 }, whole.shape)
      (starts[whole.rank - 1], stops[whole.rank - 1]) = (part * extent, (part + 1) * extent)
      return Expression(whole.sliced(starts: starts, stops: stops, steps: whole.shape.map { _ in 1 }))
    }
  }
}

extension View {
  /// One position of the first axis, which goes away.
  fileprivate func part(_ index: Int) -> View {
    var view = self
    view.offset += index * strides[0]
    view.shape.removeFirst()
    view.strides.removeFirst()
    return view
  }
}
