package import GraftIR

/// A function whose body calls functions of its own for the model's modules and the source's functions.
///
/// Its `call` operations name a call site by the attribute `site`; their operands are the callee's inputs in order and,
/// where the callee draws random numbers, a key. The values of caller and callee are numbered alike.
package struct OutlinedFunction: Sendable {
  /// What in the source the function stands for.
  package enum Kind: Hashable, Sendable {
    case program
    case module
    /// A function, in the call at this position among the program's calls.
    case function(Int)
  }

  package var kind: Kind
  /// The class of the module that the function is the `forward` of, or the name of the source's function; empty for the
  /// program.
  package var name: String
  package var function: Function
  package var calls: [CallSite]
  /// How many frames of the operations' call stacks are those of its callers.
  package var outerFrames: Int
  /// The inputs that callers may leave out.
  package var optionalInputs: Set<Int> = []

  /// Names the inputs, when there are as many, and the results of modules that have no name after what they replace.
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
    for operation in function.body.operations where operation.results.count == 1 {
      guard let site = operation.callSite, calls[site].callee.kind == .module,
        function.info(operation.results[0]).hint == nil, let replaced = operation.operands.first?.asValue
      else { continue }
      function.setHint(function.info(replaced).hint, of: operation.results[0])
    }
  }

  /// The paths of the parameters of the function and of those that it calls, from its module.
  package var allParameterPaths: [String] {
    function.parameterPaths
      + calls.flatMap { call in call.callee.allParameterPaths.map { call.path.isEmpty ? $0 : "\(call.path).\($0)" } }
  }

  /// The numbers that the source's function is given, by parameter.
  package var givenNumbers: [(name: String, value: Scalar)] {
    guard case .function(let number) = kind else { return [] }
    return function.calls[number].arguments.compactMap { argument in
      argument.value.asScalar.map { (argument.name, $0) }
    }
  }

  /// How deep calls nest below: 0 for a function that calls none.
  package var height: Int { calls.map { $0.callee.height + 1 }.max() ?? 0 }
}

/// A place where a function calls another.
package struct CallSite: Sendable {
  /// The path of the called module in the calling one, `layer1.0`; of a function, that of the module whose parameters it
  /// reads, which may be the calling one.
  package var path: String
  package var callee: OutlinedFunction
}

extension Operation {
  /// The op of a call between the functions of an outlined program.
  package static let callName = "call"

  /// Which call site of its function a `call` stands for.
  package var callSite: Int? { name == Self.callName ? attributes["site"]?.asInt : nil }
}
