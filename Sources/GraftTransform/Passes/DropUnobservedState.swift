package import GraftIR

/// Removes state that no output depends on, directly or through other state, such as the number of batches that
/// batch normalisation has seen: its arguments, its updates, and the operations that computed them.
package struct DropUnobservedState: Pass {
  package let name = "drop unobserved state"
  package init() {}

  package func run(_ function: Function) throws -> Function { try split(function).function }

  /// The function without the unobserved state, and the paths of that state in the order of the arguments.
  package func split(_ function: Function) throws -> (function: Function, dropped: [String]) {
    var observed: Set<String> = []
    while true {
      var trial = function
      trial.stateUpdates = function.stateUpdates.filter { observed.contains($0.path) }
      let swept = try EliminateDeadCode().run(trial)
      let used = swept.usedValues
      var grown = observed
      for argument in function.arguments {
        if case .state(let path, _) = argument.role, used.contains(argument.value) { grown.insert(path) }
      }
      if grown != observed {
        observed = grown
        continue
      }
      var result = swept
      var dropped: [String] = []
      result.arguments.removeAll { argument in
        guard case .state(let path, _) = argument.role, !observed.contains(path) else { return false }
        dropped.append(path)
        return true
      }
      return (result, dropped)
    }
  }
}

extension Function {
  /// Every value that an operation, an output or an update of state reads.
  fileprivate var usedValues: Set<Value> { Set(body.freeValues + escapingValues) }
}
