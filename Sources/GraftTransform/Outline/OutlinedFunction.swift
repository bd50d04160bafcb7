package import GraftIR

/// A function whose body calls functions of its own for the model's modules.
///
/// Its `call` operations name a call site by the attribute `site`; their operands are the callee's inputs in order and,
/// where the callee draws random numbers, a key. The values of caller and callee are numbered alike.
package struct OutlinedFunction: Sendable {
  /// The class of the module that the function is the `forward` of; empty for the root.
  package var className: String
  package var function: Function
  package var calls: [ModuleCallSite]

  /// Names the inputs, when there are as many, and the results of calls that have no name after what they replace.
  package mutating func nameValues(inputs names: [String]?) {
    if let names, names.count == function.inputNames.count {
      function.inputNames = names
      function.inputs = .dict(names.indices.map { Tree.Field(names[$0], .leaf($0)) })
      for argument in function.arguments {
        if case .input(let leaf) = argument.role, names.indices.contains(leaf) {
          function.setHint(names[leaf], of: argument.value)
        }
      }
    }
    for operation in function.body.operations where operation.callSite != nil && operation.results.count == 1 {
      guard function.info(operation.results[0]).hint == nil, let replaced = operation.operands.first?.asValue else {
        continue
      }
      function.setHint(function.info(replaced).hint, of: operation.results[0])
    }
  }

  /// The paths of the parameters of the function and of those that it calls, from its module.
  package var allParameterPaths: [String] {
    function.parameterPaths + calls.flatMap { call in call.callee.allParameterPaths.map { "\(call.path).\($0)" } }
  }

  /// How deep calls nest below: 0 for a function that calls none.
  package var height: Int { calls.map { $0.callee.height + 1 }.max() ?? 0 }
}

/// A place where a function calls another.
package struct ModuleCallSite: Sendable {
  /// The path of the called module in the calling one, `layer1.0`.
  package var path: String
  package var callee: OutlinedFunction
}

extension Operation {
  /// The op of a call between the functions of an outlined program.
  package static let callName = "call"

  /// Which call site of its function a `call` stands for.
  package var callSite: Int? { name == Self.callName ? attributes["site"]?.asInt : nil }
}
