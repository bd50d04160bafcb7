import GraftIR
import OrderedCollections

/// What passes between a call of a module and its surroundings.
struct ModuleInterface {
  /// The tensors that come from outside and are not the module's own parameters or state, in order of first use.
  let inputs: [Value]
  let drawsRandomNumbers: Bool
  /// The new values of the module's own state, by path within the module.
  let updates: [StateUpdate]
  /// Whether all state that the operations give a new value is the module's own, and all of its own that changes is
  /// changed by them.
  let ownsItsState: Bool

  init(
    _ path: String, _ operations: [Operation], parameters: [Value: Argument], keys: Set<Value>,
    updates all: [StateUpdate]
  ) {
    let defined = Set(operations.flatMap(\.results))
    var inputs: OrderedSet<Value> = []
    var draws = false
    var used: Set<Value> = []
    for value in operations.flatMap(\.usedValues) {
      used.insert(value)
      if defined.contains(value) { continue }
      if keys.contains(value) {
        draws = true
      } else if parameters[value]?.isOwned(by: path) != true {
        inputs.append(value)
      }
    }
    self.inputs = Array(inputs)
    drawsRandomNumbers = draws
    var updates: [StateUpdate] = []
    var owns = true
    for update in all {
      let isInside = update.path.hasPrefix(path + ".")
      let isComputed = update.value.asValue.map(defined.contains) ?? isInside
      if isInside != isComputed { owns = false }
      guard isInside, isComputed else { continue }
      updates.append(StateUpdate(path: update.path.relative(to: path), value: update.value))
    }
    self.updates = updates
    ownsItsState = owns
  }
}

extension Argument {
  fileprivate func isOwned(by module: String) -> Bool {
    switch role {
    case .parameter(let path, _, _), .state(let path, _): path.hasPrefix(module + ".")
    default: false
    }
  }
}
