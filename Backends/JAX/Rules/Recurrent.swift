import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let recurrent: Rules = [
    "lstm": { try $0.sequence("lstm_cell", states: ["h", "c"]) },
    "gru": { try $0.sequence("gru_cell", states: ["h"]) },
    "rnn": { try $0.sequence($0.rnnCell, states: ["h"]) },
    "lstm_cell": { try $0.cell("lstm_cell", states: ["h", "c"]) },
    "gru_cell": { try $0.cell("gru_cell", states: ["h"]) },
    "rnn_cell": { try $0.cell($0.rnnCell, states: ["h"]) },
  ]
}

extension EmitContext {
  fileprivate var rnnCell: String {
    get throws { try call.string("activation") == "relu" ? "rnn_relu_cell" : "rnn_cell" }
  }

  /// `out, (h, c) = recurrent(lstm_cell, params["lstm"], x, (h, c))`.
  fileprivate func sequence(_ cell: String, states: [String]) throws -> [PythonExpression] {
    let state = states.count == 1 ? operand(states[0]) : .tuple(states.map { operand($0) })
    let positional = [helper(cell), try sequenceWeights(), operand("x"), state]
    let rate = try call.double("dropout_rate")
    let value: PythonExpression
    if !call["rng"].isAbsent, rate != 0 {
      value = helper("recurrent_with_dropout").call(positional + [operand("rng"), .float(rate)])
    } else {
      value = helper("recurrent").call(positional)
    }
    let results = declareResults()
    let last = states.count == 1 ? results[1] : .tuple(Array(results.dropFirst()))
    statement(.assign(.tuple([results[0], last]), value))
    return results
  }

  /// The sub-tree of the module whose weights these are, or a dict of them.
  private func sequenceWeights() throws -> PythonExpression {
    guard case .list(let weights) = call["weights"] else { return .dictionary([]) }
    let names = try call.weightNames()
    let paths = weights.compactMap { path(of: $0)?.path }
    if let first = paths.first, paths.count == names.count, let name = names.first, first.hasSuffix(name) {
      let prefix = String(first.dropLast(name.count))
      if prefix.isEmpty || prefix.hasSuffix("."), paths == names.map({ prefix + $0 }) {
        return parameters(at: String(prefix.dropLast()))
      }
    }
    return .dictionary(stringKeys: zip(names, weights).map { ($0, expression(.value($1))) })
  }

  fileprivate func cell(_ name: String, states: [String]) throws -> [PythonExpression] {
    let state = states.count == 1 ? operand(states[0]) : .tuple(states.map { operand($0) })
    let weights = moduleOrDictionary(["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
    let value = helper(name).call(weights, state, operand("x"))[0]
    return states.count == 1 ? [value] : several(value)
  }
}
