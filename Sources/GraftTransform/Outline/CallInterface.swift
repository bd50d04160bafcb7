import GraftIR
import OrderedCollections

/// What passes between a call and its surroundings.
struct CallInterface {
  /// The tensors that come from outside and are not parameters or state of the call's module, in order of first use.
  let inputs: [Value]
  /// Whether parameters and state of the call's module are read.
  let readsParameters: Bool
  let readsState: Bool
  let drawsRandomNumbers: Bool
  /// The new values of the module's own state, by path within the module.
  let updates: [StateUpdate]
  /// Whether all state that the operations give a new value is the module's own, and all of its own that changes is
  /// changed by them.
  let ownsItsState: Bool

  /// - Parameters:
  ///   - path: of the called module; for a function, of the module that calls it.
  ///   - isModule: whether a module is called; only then may its state change.
  init(
    _ path: String, isModule: Bool, _ operations: [Operation], parameters: [Value: Argument], keys: Set<Value>,
    updates all: [StateUpdate]
  ) {
    let defined = Set(operations.flatMap(\.results))
    var inputs: OrderedSet<Value> = []
    var draws = false
    var (readsParameters, readsState) = (false, false)
    for value in operations.flatMap(\.usedValues) where !defined.contains(value) {
      if keys.contains(value) {
        draws = true
      } else if let own = parameters[value], own.isWithin(path) {
        if case .state = own.role { readsState = true } else { readsParameters = true }
      } else {
        inputs.append(value)
      }
    }
    self.inputs = Array(inputs)
    self.readsParameters = readsParameters
    self.readsState = readsState
    drawsRandomNumbers = draws
    var updates: [StateUpdate] = []
    var owns = true
    for update in all {
      let isInside = isModule && update.path.hasPrefix(path + ".")
      let isComputed = update.value.asValue.map(defined.contains) ?? isInside
      if isInside != isComputed { owns = false }
      guard isInside, isComputed else { continue }
      updates.append(StateUpdate(path: update.path.relative(to: path), value: update.value))
    }
    self.updates = updates
    ownsItsState = owns
  }

  /// Whether arguments of this role are read.
  func reads(_ argument: Argument) -> Bool {
    if case .state = argument.role { readsState } else { readsParameters }
  }
}

extension Argument {
  /// Whether it is a parameter or state of the module at a path.
  fileprivate func isWithin(_ module: String) -> Bool {
    switch role {
    case .parameter(let path, _, _), .state(let path, _): module.isEmpty || path.hasPrefix(module + ".")
    default: false
    }
  }
}
