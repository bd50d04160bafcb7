/// A call of a function of the program's own source, which the operations within name by its position among the
/// program's calls.
package struct FunctionCall: Hashable, Sendable {
  /// What the function is given for a parameter.
  package struct Argument: Hashable, Sendable {
    package var name: String
    package var value: Operand

    package init(_ name: String, _ value: Operand) {
      self.name = name
      self.value = value
    }
  }

  /// The function's full name: `utils.area`, or `net.Net.attend` for a method.
  package var function: String
  /// The call that this one is made in; nil if it is made by the program itself or by a module.
  package var parent: Int?
  /// How many modules were being called around it.
  package var modules: Int
  /// How many frames of the call stack within are those of its callers.
  package var frames: Int
  /// The tensors and numbers that are known to be given, in the order of the parameters.
  package var arguments: [Argument]
  /// The variables that it returns as a tuple, nil for an item that is none; empty if it does not return one.
  package var returns: [String?]

  package init(
    _ function: String, parent: Int? = nil, modules: Int = 0, frames: Int, arguments: [Argument] = [],
    returns: [String?] = []
  ) {
    self.function = function
    self.parent = parent
    self.modules = modules
    self.frames = frames
    self.arguments = arguments
    self.returns = returns
  }
}

extension Function {
  /// The calls that an operation's call is made in, and it itself, outermost first; none for nil.
  package func chain(to call: Int?) -> [Int] {
    var chain: [Int] = []
    var next = call
    while let number = next {
      chain.append(number)
      next = calls[number].parent
    }
    return chain.reversed()
  }

  /// The function without what is known of its calls.
  package func withoutCalls() -> Function {
    var function = self
    function.calls = []
    function.body = function.body.mapOrigins { origin in
      origin.call = nil
      origin.copies = []
    }
    return function
  }
}

extension [FunctionCall] {
  /// The calls with the values that they are given replaced; one for which there is none is not known any more.
  package func mapValues(_ transform: (Value) -> Value?) -> [FunctionCall] {
    map { call in
      var call = call
      call.arguments = call.arguments.compactMap { argument in
        guard let value = argument.value.asValue else { return argument }
        return transform(value).map { FunctionCall.Argument(argument.name, .value($0)) }
      }
      return call
    }
  }
}

extension Function {
  /// Replaces what the source's modules and functions are passed; a value for which there is none is forgotten.
  package mutating func mapPassed(_ transform: (Value) -> Value?) {
    passedNames = passedNames.mapValues(transform)
    calls = calls.mapValues(transform)
  }
}

extension Block {
  /// The block with the origins of its operations changed, inside regions too.
  package func mapOrigins(_ change: (inout Origin) -> Void) -> Block {
    var block = self
    for index in block.operations.indices {
      change(&block.operations[index].origin)
      block.operations[index].regions = block.operations[index].regions.map { $0.mapOrigins(change) }
    }
    return block
  }
}
