import GraftIR
import GraftOps
import GraftTrace
import OrderedCollections

extension TorchVocabulary {
  static let recurrent: Rules = [
    "aten.lstm.input": { context in
      let states = try context.states("hx")
      guard states.count == 2 else { throw context.unsupported("`hx` must hold two tensors") }
      let kinds = try context.bool("has_biases") ? 4 : 2
      let directions = try context.bool("bidirectional") ? 2 : 1
      let count = context.argument("params").asList?.count ?? 0
      let hasProjection = count > kinds * directions * (try context.int("num_layers"))
      return try context.sequence(.lstm, states, attributes: ["projection": .bool(hasProjection)])
    },
    "aten.gru.input": { try $0.sequence(.gru, [$0.tensor("hx")]) },
    "aten.rnn_tanh.input": { try $0.sequence(.rnn, [$0.tensor("hx")]) },
    "aten.rnn_relu.input": { context in
      try context.sequence(.rnn, [context.tensor("hx")], attributes: ["activation": .string("relu")])
    },
    "aten.lstm.data": packed, "aten.gru.data": packed, "aten.rnn_tanh.data": packed, "aten.rnn_relu.data": packed,
    "aten._pack_padded_sequence.default": packed,
    "aten.lstm_cell.default": { try $0.cell(.lstmCell, $0.states("hx")) },
    "aten.gru_cell.default": { try $0.cell(.gruCell, [$0.tensor("hx")]) },
    "aten.rnn_tanh_cell.default": { try $0.cell(.rnnCell, [$0.tensor("hx")]) },
    "aten.rnn_relu_cell.default": { context in
      try context.cell(.rnnCell, [context.tensor("hx")], attributes: ["activation": .string("relu")])
    },
  ]

  private static let packed: ImportVocabulary.Rule = { context in
    throw context.unsupported("packed sequences are not supported: pass the padded tensor, and mask what lies behind")
  }
}

extension ImportContext {
  fileprivate func states(_ name: String) throws -> [Operand] {
    guard case .list(let values) = try operand(name) else { throw unsupported("`\(name)` must be a list of tensors") }
    return values.map { .value($0) }
  }

  /// A sequence op; it takes time first.
  fileprivate func sequence(
    _ definition: OpDefinition, _ states: [Operand], attributes extra: OrderedDictionary<String, Attribute> = [:]
  ) throws -> [Operand] {
    let batchFirst = try bool("batch_first")
    let x = try batchFirst ? timeFirst(tensor("input")) : tensor("input")
    let layers = try int("num_layers")
    let rate = try bool("train") && layers > 1 ? double("dropout") : 0
    let attributes: OrderedDictionary<String, Attribute> = [
      "layers": .int(layers), "bidirectional": .bool(try bool("bidirectional")),
      "biases": .bool(try bool("has_biases")), "dropout_rate": .float(rate),
    ]
    var results = try builder.apply(
      definition, [x] + states + [try operand("params"), rate == 0 ? .absent : drawKey()],
      attributes: attributes.merging(extra) { first, _ in first })
    if batchFirst { results[0] = try timeFirst(results[0]) }
    return results
  }

  private func timeFirst(_ x: Operand) throws -> Operand {
    try op(.transpose, x, attributes: ["permutation": .ints([1, 0, 2])])
  }

  fileprivate func cell(
    _ definition: OpDefinition, _ states: [Operand], attributes: OrderedDictionary<String, Attribute> = [:]
  ) throws -> [Operand] {
    let weights = try ["w_ih", "w_hh", "b_ih", "b_hh"].map { try operand($0) }
    return try builder.apply(definition, [try tensor("input")] + states + weights, attributes: attributes)
  }
}
