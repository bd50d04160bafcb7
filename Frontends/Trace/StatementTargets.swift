import GraftIR

extension Function {
  /// Names what the statements of the source compute after their targets.
  mutating func nameStatementTargets() {
    let runs = runsOfStatements
    var readers: [Value: Set<Int>] = [:]
    for (index, run) in runs.enumerated() {
      for value in run.operations.flatMap(\.usedValues) { readers[value, default: []].insert(index) }
    }
    for value in escapingValues { readers[value, default: []].insert(-1) }
    for (index, run) in runs.enumerated() {
      if run.names.count == 1 {
        nameIntermediates(of: run) { readers[$0] == [index] }
      } else {
        nameTupleTargets(of: run) { readers[$0, default: []].contains { $0 != index } }
      }
    }
  }

  /// Names the values of `a, b = f(x), g(x)`: those of the statement's values that something else reads, in order,
  /// where there are as many as targets.
  private mutating func nameTupleTargets(of run: StatementRun, isReadElsewhere: (Value) -> Bool) {
    let values = run.operations.flatMap(\.results).filter(isReadElsewhere)
    guard values.count == run.names.count else { return }
    for (value, name) in zip(values, run.names) where info(value).hint == nil { setHint(name, of: value) }
  }

  /// Names what `y = self.last(self.first(x))` computes on its way after the layers that compute it: `y` is the last value.
  private mutating func nameIntermediates(of run: StatementRun, isReadHereOnly: (Value) -> Bool) {
    for operation in run.operations {
      guard let layer = operation.origin.layerName(calledAt: run.place) else { continue }
      for value in operation.results where isReadHereOnly(value) && info(value).hint == run.names[0] {
        setHint(layer, of: value)
      }
    }
  }

  /// The body's operations, cut where another statement of the source begins.
  private var runsOfStatements: [StatementRun] {
    var runs: [StatementRun] = []
    for operation in body.operations {
      let (names, place) = SourceNames.assignment(of: operation.origin)
      if let last = runs.indices.last, place != nil, runs[last].place == place {
        runs[last].operations.append(operation)
      } else {
        runs.append(StatementRun(names: names, place: place, operations: [operation]))
      }
    }
    return runs
  }
}

/// Consecutive operations of one statement of the source.
private struct StatementRun {
  /// The variables that it assigns.
  let names: [String]
  let place: SourceLocation?
  var operations: [Operation]
}

extension Origin {
  /// The attribute that holds the module which computes the value for a statement elsewhere; nil where the statement is
  /// the module's own, or the module is one of a list.
  fileprivate func layerName(calledAt place: SourceLocation?) -> String? {
    let innermost = frames.last { !$0.isLibrary }
    guard let module = modules.last, let name = module.path.split(separator: ".").last,
      name.first?.isLetter == true, module.isFrameworkLayer || innermost != place
    else { return nil }
    return String(name)
  }
}
