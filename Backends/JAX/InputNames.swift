import GraftSyntax
import GraftTransform

/// What the functions of one class of module, or of one function of the source, call their inputs.
struct InputNames {
  private let instances: [CallInstance]
  private let parameters: [String]

  /// - Parameters:
  ///   - instances: the calls.
  ///   - parameters: those of the class's `forward`.
  init(_ instances: [CallInstance], parameters: [String]) {
    self.instances = instances
    self.parameters = parameters
  }

  /// For each call, the names of the inputs: those that `forward` gives them, in its own call or else in that of another
  /// instance that computes the same, or those that the variables have in the first call that is passed the like; the
  /// first one is called as `forward`'s first parameter, if its own name is none of the parameters'. A function of the
  /// source has its own parameters' names.
  var all: [[String]] {
    let ranks = instances.map(\.inputRanks)
    let own = ranks.indices.map { index in
      instances[ranks.firstIndex(of: ranks[index]) ?? index].function.function.inputNames
    }
    if instances.first?.sourceCall != nil { return own }
    let passed = instances.map(\.passedNames)
    let steps = instances.map { $0.function.function.body.operations.map(\.name) }
    return instances.indices.map { index in
      let alike = passed.indices.filter { steps[$0] == steps[index] && passed[$0].agrees(with: passed[index]) }
      let known = passed[index].indices.map { input in
        passed[index][input] ?? alike.lazy.compactMap { passed[$0][input] }.first
      }
      return names(of: known, otherwise: own[index])
    }
  }

  private func names(of known: [String?], otherwise own: [String]) -> [String] {
    var names = own
    let taken = Set(known.compactMap(\.self))
    for (input, name) in known.enumerated() {
      names[input] = name ?? PythonIdentifier.unique(names[input], avoiding: taken)
    }
    if let parameter = parameters.first, let own = names.first, known[0] == nil, !parameters.contains(own),
      !names.contains(parameter)
    {
      names[0] = parameter
    }
    return names
  }
}

extension CallInstance {
  /// How many axes each of the function's inputs has.
  fileprivate var inputRanks: [Int] { function.function.inputValues.map { function.function.type(of: $0).rank } }

  /// What the module's `forward` calls each of the function's inputs, where it is known.
  fileprivate var passedNames: [String?] {
    function.function.inputValues.map { function.function.passedName(of: $0, in: absolutePath) }
  }
}

extension [String?] {
  /// Whether both have as many names, and the same where both have one.
  fileprivate func agrees(with other: [String?]) -> Bool {
    count == other.count && zip(self, other).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
  }
}
