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
    }
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

extension EmitContext {
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
