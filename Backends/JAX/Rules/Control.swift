import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax

extension JAXRules {
  static let control: Rules = [
    "mode": { context in
      let (training, inference) = (context.call.regions[0], context.call.regions[1])
      let test: PythonExpression =
        training.drawsRandomNumbers ? .comparison("rng", [PythonComparison(.isNot, .none)]) : context.train
      let train = try context.emitRegion(0)
      let eval = try context.emitRegion(1)
      _ = inference
      if train.statements.isEmpty, eval.statements.isEmpty, train.results.count == 1 {
        return [train.results[0].conditional(if: test, else: eval.results[0])]
      }
      let names = context.declareResults()
      context.statement(
        .if(
          test, train.statements + context.assignments(names, train.results),
          orElse: eval.statements + context.assignments(names, eval.results)))
      return names
    },
    "cond": { context in
      let condition = context.operand("condition")
      let branches = try ["true_branch", "false_branch"].enumerated().map { index, name in
        try context.nestedFunction(name, region: index) { .tuple(orSole: $0) }
      }
      return context.several(context.reference("jax.lax.cond").call(condition, branches[0], branches[1]))
    },
    "while": { context in
      let initial = context.list("initial")
      let state = [(count: initial.count, name: "carry")]
      let test = try context.nestedFunction("condition", region: 0, parameters: state) { $0[0] }
      let body = try context.nestedFunction("body", region: 1, parameters: state) { .tuple(orSole: $0) }
      return context.several(context.reference("jax.lax.while_loop").call(test, body, .tuple(orSole: initial)))
    },
    "scan": { context in
      let (initial, sequences) = (context.list("initial"), context.list("sequences"))
      let step = try context.nestedFunction(
        "step", region: 0, parameters: [(initial.count, "carry"), (sequences.count, "inputs")]
      ) { results in
        .tuple([.tuple(orNone: results.prefix(initial.count)), .tuple(orNone: results.dropFirst(initial.count))])
      }
      var arguments: [PythonArgument] = [
        .positional(step), .positional(.tuple(orNone: initial[...])), .positional(.tuple(orNone: sequences[...])),
      ]
      if sequences.isEmpty { arguments.append(.keyword("length", try context.attribute("count"))) }
      if try context.call.bool("reverse") { arguments.append(.keyword("reverse", .boolean(true))) }
      return context.scanned(.call(context.reference("jax.lax.scan"), arguments), carrying: initial.count)
    },
  ]
}

extension Block {
  /// Whether anything inside uses a random key.
  var drawsRandomNumbers: Bool {
    operations.contains { operation in
      OpCatalogue.definition(operation.name)?.drawsRandomNumbers == true
        || operation.regions.contains(where: \.drawsRandomNumbers)
    }
  }
}

extension PythonExpression {
  /// What a `scan` yields or reads besides its state.
  fileprivate static func tuple(orNone items: ArraySlice<PythonExpression>) -> PythonExpression {
    items.isEmpty ? .none : .tuple(orSole: Array(items))
  }
}

extension EmitContext {
  fileprivate func list(_ name: String) -> [PythonExpression] { call[name].values.map { expression(.value($0)) } }

  /// `(h, c), out = jax.lax.scan(...)`
  fileprivate func scanned(_ value: PythonExpression, carrying count: Int) -> [PythonExpression] {
    let names = declareResults()
    let (state, collected) = (Array(names.prefix(count)), Array(names.dropFirst(count)))
    func target(_ names: [PythonExpression]) -> PythonExpression {
      names.allSatisfy { $0 == "_" } ? "_" : .tuple(orSole: names)
    }
    statement(.assign(.tuple([target(state), target(collected)]), value))
    return names
  }

  /// One assignment for each name that is read and is not its value already; one for all when a value reads a name
  /// that an earlier one gives anew.
  fileprivate func assignments(_ names: [PythonExpression], _ values: [PythonExpression]) -> [PythonStatement] {
    let changes = zip(names, values).filter { $0 != $1 && $0 != "_" }
    let conflict = changes.indices.contains { index in
      changes[..<index].contains { !Set($0.0.freeNames).isDisjoint(with: changes[index].1.freeNames) }
    }
    if conflict { return [.assign(.tuple(changes.map(\.0)), .tuple(changes.map(\.1)))] }
    return changes.map { .assign($0, $1) }
  }
}
