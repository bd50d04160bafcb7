import GraftIR
package import GraftSyntax
import GraftOps
import GraftTransform

/// How an emitted function is called.
package struct FunctionInterface: Sendable, Hashable {
  package enum Key: Sendable, Hashable {
    case none
    /// `None` where nothing is drawn, as outside of training.
    case optional
    case required
  }

  package var name: String
  package var takesParameters: Bool
  package var takesState: Bool
  /// Whether the new state is returned beside the outputs.
  package var returnsState: Bool
  package var takesTrain: Bool
  package var key: Key
  /// The inputs that are passed as one list.
  package var listed: Range<Int>?

  package init(
    name: String, takesParameters: Bool, takesState: Bool, returnsState: Bool, takesTrain: Bool, key: Key
  ) {
    self.name = name
    self.takesParameters = takesParameters
    self.takesState = takesState
    self.returnsState = returnsState
    self.takesTrain = takesTrain
    self.key = key
  }
}

/// A call of an emitted function: of which, with whose parameters, and with which constants.
package struct EmittedCall: Sendable {
  package var path: String
  package var interface: FunctionInterface
  package var constants: [(name: String, value: PythonExpression)]

  package init(path: String, interface: FunctionInterface, constants: [(name: String, value: PythonExpression)]) {
    self.path = path
    self.interface = interface
    self.constants = constants
  }
}

extension FunctionEmitter {
  /// `out, new_state["layer"] = layer(params["layer"], state["layer"], x, train=train)`
  func emitCall(_ operation: Operation, of call: EmittedCall) {
    var positional: [PythonExpression] = []
    var keywords = call.constants.map { ($0.name, $0.value) }
    let interface = call.interface
    if interface.takesParameters { positional.append(parameterAccess(call.path)) }
    if interface.takesState { positional.append(stateAccess(call.path)) }
    var inputs: [PythonExpression] = []
    for operand in operation.operands {
      if let value = operand.asValue, function.type(of: value).dtype == .key {
        keywords.append(("rng", expression(operand)))
      } else {
        inputs.append(expression(operand))
      }
    }
    if let listed = interface.listed, listed.upperBound <= inputs.count {
      inputs.replaceSubrange(listed, with: [.list(Array(inputs[listed]))])
    }
    positional += inputs
    if interface.takesTrain { keywords.append(("train", "train")) }
    let value = PythonExpression.name(interface.name).call(positional, keywords: keywords)
    consumeOperands()
    if interface.returnsState {
      let results = operation.results.map { PythonExpression.name(isUsed($0) ? declare($0) : "_") }
      let outputs = results.count == 1 ? results[0] : .tuple(results)
      append(.assign(.tuple([outputs, newStateAccess(call.path)]), value))
    } else if let result = operation.results.first, operation.results.count == 1 {
      // A chain of calls stays a chain of statements, which may be the turns of a loop.
      let isNested = inputs.contains { if case .call = $0 { true } else { false } }
      if !isNested, nests(result, value) { return }
      if callOperands.contains(result) {
        append(.assign(.name(declare(result)), value))
      } else {
        assign(operation, [value])
      }
    } else {
      let results = operation.results.map { PythonExpression.name(isUsed($0) ? declare($0) : "_") }
      append(.assign(.tuple(results), value))
    }
  }
}

extension FunctionEmitter {
  /// Whether random numbers are drawn outside of training too, so that a key must be given.
  package var alwaysDraws: Bool {
    func draws(_ block: Block) -> Bool {
      block.operations.contains { operation in
        if operation.name == "mode" { return operation.regions.last.map(draws) ?? false }
        guard let definition = OpCatalogue.definition(operation.name) else { return false }
        let always = definition.drawsRandomNumbers && !definition.dependsOnMode(operation)
        return always || operation.regions.contains(where: draws)
      }
    }
    return draws(function.body) || calls.contains { $0.interface.key == .required }
  }
}

extension FunctionEmitter {
  /// How many children a node of the parameters or the state has: `params["layers"]`.
  package func treeSize(_ list: PythonExpression) -> TreeSize? {
    if let path = list.treePath(in: "params") { return parameterTree.size(path) }
    return list.treePath(in: "state").flatMap { stateTree.size($0) }
  }
}
