import GraftIR

extension Function {
  /// Names the values of `a, b = f(x), g(x)`: those of the statement's values that something else reads, in order,
  /// where there are as many as targets.
  mutating func nameTupleTargets() {
    var readers: [Value: Set<Int>] = [:]
    let runs = runsOfStatements
    for (index, run) in runs.enumerated() {
      for value in run.operations.flatMap(\.usedValues) { readers[value, default: []].insert(index) }
    }
    for value in escapingValues { readers[value, default: []].insert(-1) }
    for (index, run) in runs.enumerated() where run.names.count > 1 {
      let values = run.operations.flatMap(\.results).filter { readers[$0, default: []].contains { $0 != index } }
      guard values.count == run.names.count else { continue }
      for (value, name) in zip(values, run.names) where info(value).hint == nil { setHint(name, of: value) }
    }
  }

  /// The body's operations, cut where another statement of the source begins.
  private var runsOfStatements: [(names: [String], place: SourceLocation?, operations: [Operation])] {
    var runs: [(names: [String], place: SourceLocation?, operations: [Operation])] = []
    for operation in body.operations {
      let (names, place) = SourceNames.assignment(of: operation.origin)
      if let last = runs.indices.last, place != nil, runs[last].place == place {
        runs[last].operations.append(operation)
      } else {
        runs.append((names, place, [operation]))
      }
    }
    return runs
  }
}
