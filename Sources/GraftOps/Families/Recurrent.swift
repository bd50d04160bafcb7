import GraftIR

extension OpDefinition {
  static let recurrent: [OpDefinition] = [lstm, gru, rnn, lstmCell, gruCell, rnnCell]

  /// Long short-term memory (Hochreiter and Schmidhuber, 1997) over `x` [T, N, I], layer by layer.
  ///
  /// `h` [layers * directions, N, P] and `c` [layers * directions, N, H] are the initial states. The weights come layer by
  /// layer, in a layer direction by direction: input [4H, I] and hidden [4H, P] with the gates input, forget, cell and
  /// output; two biases [4H] if there are `biases`; a projection [P, H] if there is a `projection`. With a key, a share
  /// `dropout_rate` of every layer's output but the last's is dropped in training.
  package static let lstm: OpDefinition = sequence(
    "lstm", "Long short-term memory over a sequence.", states: ["h", "c"], gates: 4,
    attributes: [AttributeSpec("projection", .bool, default: .bool(false))])

  /// Gated recurrent units (Cho et al., 2014) over `x` [T, N, I]; gates reset, update and new, the reset after the
  /// product. Otherwise as `lstm`.
  package static let gru: OpDefinition = sequence(
    "gru", "Gated recurrent units over a sequence.", states: ["h"], gates: 3)

  /// Elman's recurrent network over `x` [T, N, I]. Otherwise as `lstm`.
  package static let rnn: OpDefinition = sequence(
    "rnn", "Simple recurrent network over a sequence.", states: ["h"], gates: 1,
    attributes: [AttributeSpec("activation", .string(["tanh", "relu"]), default: .string("tanh"))])

  /// One step of `lstm`: the new h and c.
  package static let lstmCell: OpDefinition = cell("lstm_cell", "One step of an LSTM.", states: ["h", "c"], gates: 4)

  /// One step of `gru`.
  package static let gruCell: OpDefinition = cell(
    "gru_cell", "One step of gated recurrent units.", states: ["h"],
    gates: 3)

  /// One step of `rnn`.
  package static let rnnCell: OpDefinition = cell(
    "rnn_cell", "One step of a simple recurrent network.", states: ["h"], gates: 1,
    attributes: [AttributeSpec("activation", .string(["tanh", "relu"]), default: .string("tanh"))])

  private static func sequence(
    _ name: String, _ summary: String, states: [String], gates: Int, attributes: [AttributeSpec] = []
  ) -> OpDefinition {
    OpDefinition(
      name, family: .recurrent, summary: summary,
      operands: [.tensor("x")] + states.map { .tensor($0) } + [.variadic("weights"), .optional("rng")],
      attributes: [
        AttributeSpec("layers", .dim), AttributeSpec("bidirectional", .bool, default: .bool(false)),
        AttributeSpec("biases", .bool, default: .bool(true)),
        AttributeSpec("dropout_rate", .float, default: .float(0)),
      ] + attributes,
      results: ["output"] + states,
      infer: { call in
        let x = try call.type(0)
        let initial = try states.indices.map { try call.type($0 + 1) }
        guard x.rank == 3, let h = initial.first, initial.allSatisfy({ $0.rank == 3 && $0.dtype == x.dtype }) else {
          throw call.problem("takes x [T, N, I] and states [layers, N, H], not \(x) and \(initial)")
        }
        let directions = try call.bool("bidirectional") ? 2 : 1
        try call.checkWeights(x, initial, gates: gates, directions: directions)
        return [x.with(shape: [x.shape[0], x.shape[1], h.shape[2] * Dim(directions)])] + initial
      }, decomposition: { b, op in try b.recurrentSequence(op) },
      samples: sequenceSamples(states: states.count, gates: gates))
  }

  /// A layer in both directions with biases, and two layers in one direction without.
  private static func sequenceSamples(states: Int, gates: Int) -> [Sample] {
    let (input, hidden) = (3, 2)
    let initial = Array(repeating: Sample.Argument.normal(2, 2, hidden), count: states)
    func weights(_ width: Int, biases: Bool) -> [Sample.Argument] {
      let rows = gates * hidden
      return [.normal(rows, width), .normal(rows, hidden)] + (biases ? [.normal(rows), .normal(rows)] : [])
    }
    var both = Sample(attributes: ["layers": .int(1), "bidirectional": .bool(true)])
    both.operands =
      [.normal(4, 2, input)] + initial + [.list(weights(input, biases: true) + weights(input, biases: true))]
    var deep = Sample(attributes: ["layers": .int(2), "biases": .bool(false)])
    deep.operands =
      [.normal(4, 2, input)] + initial + [.list(weights(input, biases: false) + weights(hidden, biases: false))]
    return [both, deep]
  }

  private static func cell(
    _ name: String, _ summary: String, states: [String], gates: Int, attributes: [AttributeSpec] = []
  ) -> OpDefinition {
    OpDefinition(
      name, family: .recurrent, summary: summary,
      operands: [.tensor("x")] + states.map { .tensor($0) } + [
        .tensor("weight_ih"), .tensor("weight_hh"), .optional("bias_ih"), .optional("bias_hh"),
      ],
      attributes: attributes, results: states,
      infer: { call in
        let (x, initial) = (try call.type(0), try states.indices.map { try call.type($0 + 1) })
        guard (1...2).contains(x.rank), let h = initial.first, h.rank == x.rank, let input = x.shape.last,
          let hidden = h.shape.last, initial.allSatisfy({ !$0.isProvablyDifferent(from: x.with(shape: h.shape)) }),
          !h.isProvablyDifferent(from: x.with(shape: x.shape.dropLast() + [hidden]))
        else { throw call.problem("takes x [N, I] and states [N, H], not \(x) and \(initial)") }
        let rows = Dim(gates) * hidden
        for (name, shape) in [
          ("weight_ih", [rows, input]), ("weight_hh", [rows, hidden]), ("bias_ih", [rows]), ("bias_hh", [rows]),
        ] {
          try call.require(call.optionalType(name), is: x.with(shape: shape), name)
        }
        return initial
      },
      decomposition: { b, op in try b.recurrentCell(op) }, samples: [cellSample(states: states.count, gates: gates)])
  }

  private static func cellSample(states: Int, gates: Int) -> Sample {
    var sample = Sample()
    let rows = gates * 2
    sample.operands =
      [.normal(3, 4)] + Array(repeating: .normal(3, 2), count: states)
      + [.normal(rows, 4), .normal(rows, 2), .normal(rows), .normal(rows)]
    return sample
  }
}

extension OpCall {
  /// Checks the weights of a recurrent sequence, and the shapes of its states.
  fileprivate func checkWeights(_ x: TensorType, _ states: [TensorType], gates: Int, directions: Int) throws {
    let (weights, names) = (try types(states.count + 1), try weightNames())
    guard weights.count == names.count else { throw problem("does not take \(weights.count) weights") }
    guard let output = states.first?.shape[2], let hidden = states.last?.shape[2] else { return }
    let layers = try int("layers")
    for state in states {
      let shape = [Dim(layers * directions), x.shape[1], state.shape[2]]
      try require(state, is: x.with(shape: shape), "states")
    }
    let rows = Dim(gates) * hidden
    for (index, (weight, name)) in zip(weights, names).enumerated() {
      let isFirst = index < names.count / layers
      let shape: [Dim]
      switch name.split(separator: "_").prefix(2).joined(separator: "_") {
      case "weight_ih": shape = [rows, isFirst ? x.shape[2] : output * Dim(directions)]
      case "weight_hh": shape = [rows, output]
      case "weight_hr": shape = [output, hidden]
      default: shape = [rows]
      }
      try require(weight, is: x.with(shape: shape), name)
    }
  }

  /// The names that the weights of a recurrent sequence have in PyTorch's modules, in their order.
  package func weightNames() throws -> [String] {
    let layers = try int("layers")
    guard (1...1024).contains(layers) else { throw problem("cannot have \(layers) layers") }
    let hasProjection = definition.attribute("projection") == nil ? false : try bool("projection")
    let kinds =
      ["weight_ih", "weight_hh"] + (try bool("biases") ? ["bias_ih", "bias_hh"] : [])
      + (hasProjection ? ["weight_hr"] : [])
    let directions = try bool("bidirectional") ? ["", "_reverse"] : [""]
    return (0..<layers).flatMap { layer in
      directions.flatMap { direction in kinds.map { "\($0)_l\(layer)\(direction)" } }
    }
  }
}
