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
