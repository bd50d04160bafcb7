import GraftIR
import GraftOps

extension GraphBuilder {
  /// A new input of the function, after those that it has.
  func addInput(_ name: String, _ type: TensorType) -> GraphTensor {
    let leaf = function.inputNames.count
    let value = function.makeValue(type, hint: name)
    function.arguments.append(Argument(.input(leaf: leaf), value))
    function.inputNames.append(name)
    function.inputs = .dict(function.inputNames.enumerated().map { Tree.Field($1, .leaf($0)) })
    return GraphTensor(self, .value(value))
  }

  /// A new argument that belongs to the function's state.
  func addState(_ path: String, _ type: TensorType) -> GraphTensor {
    let value = function.makeValue(type)
    function.arguments.append(Argument(.state(path: path, persistent: true), value))
    return GraphTensor(self, .value(value))
  }

  /// The function with named results.
  func finished(_ results: [(name: String, tensor: GraphTensor)]) -> GraftIR.Function {
    var function = finished(results: results.map(\.tensor.operand))
    function.outputs = .dict(results.enumerated().map { Tree.Field($1.name, .leaf($0)) })
    return function
  }
}
