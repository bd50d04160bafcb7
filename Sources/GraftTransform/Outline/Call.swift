import GraftIR

/// What may become a function: a call of a module, or one of a function of the program's own source.
enum Call: Hashable {
  case module(ModuleCall)
  /// By position among the program's calls.
  case function(Int)

  var module: ModuleCall? { if case .module(let module) = self { module } else { nil } }
}

extension Function {
  /// The calls that an operation is part of, outermost first.
  func calls(around origin: Origin) -> [Call] {
    var result: [Call] = []
    var modules = origin.modules[...]
    for number in chain(to: origin.call) {
      while modules.startIndex < calls[number].modules, let module = modules.popFirst() {
        result.append(.module(module))
      }
      result.append(.function(number))
    }
    return result + modules.map { .module($0) }
  }
}
