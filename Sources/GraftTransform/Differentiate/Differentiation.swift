package import GraftIR
import GraftOps

/// Reverse-mode differentiation: from a function to one that computes its gradient too.
///
/// What comes out is an ordinary function, of the catalogue's ops, which can be differentiated again. It is a function of one
/// mode: what depends on the mode has been decided, and what draws random numbers draws the same ones in both directions.
/// Only what lies between the values asked for and the differentiated results is gone back over; everything else stays as it is.
package enum Differentiation {
  /// The function with all its results and, after these, the gradients of one that is a floating scalar.
  ///
  /// The outputs are a pair: the function's own, and a dict of the gradients by ``name(of:in:)``. State is updated as before.
  ///
  /// - Parameters:
  ///   - result: the position of the result to differentiate.
  ///   - values: arguments of a floating type.
  ///   - recomputes: the modules whose values the way back computes again.
  /// - Throws: ``Diagnostic`` when the result is not a scalar, or an op between has no gradient.
  package static func gradient(
    of function: Function, result: Int = 0, withRespectTo values: [Value], isTraining: Bool = true,
    recomputing recomputes: ((ModuleCall) -> Bool)? = nil
  ) throws -> Function {
    guard function.body.results.indices.contains(result), let scalar = function.body.results[result].asValue,
      function.type(of: scalar).isScalar, function.type(of: scalar).dtype.isFloating
    else {
      throw Diagnostic(
        .invalidInput, "output \(result) of \(function.name) is not a floating scalar",
        remedy: "Differentiate a loss, or a sum of the output.")
    }
    return try gradient(
      ofSum: result, of: function, withRespectTo: values, isTraining: isTraining, recomputing: recomputes)
  }

  /// The same of the sum of a result's elements.
  package static func gradient(
    ofSum result: Int, of function: Function, withRespectTo values: [Value], isTraining: Bool = true,
    recomputing recomputes: ((ModuleCall) -> Bool)? = nil
  ) throws -> Function {
    guard function.body.results.indices.contains(result), let output = function.body.results[result].asValue,
      function.type(of: output).dtype.isFloating
    else { throw Diagnostic(.invalidInput, "output \(result) of \(function.name) is not a floating tensor") }
    return try derived(function, values, isTraining: isTraining, recomputes) { builder, results in
      guard let value = results[result].asValue else { return [:] }
      return [value: try builder.full(builder.function.type(of: value), .float(1))]
    }
  }

  /// The function with all its results and, after these, the products of given cotangents with its Jacobian.
  ///
  /// It takes, after its own inputs, a cotangent for each result of a floating type: `cotangent` if there is one, else that and
  /// the output's name, `cotangent_logits`.
  /// The outputs are a pair, as those of ``gradient(of:result:withRespectTo:isTraining:)``.
  package static func pullback(
    of function: Function, withRespectTo values: [Value], isTraining: Bool = true
  ) throws -> Function {
    let names = function.outputs.leafNames
    return try derived(function, values, isTraining: isTraining) { builder, results in
      var seeds: [Value: Operand] = [:]
      let differentiable = function.differentiableResults.compactMap { index, _ in
        results[index].asValue.map { (index, $0) }
      }
      for (index, value) in differentiable {
        let name = differentiable.count == 1 ? "cotangent" : "cotangent_" + (names[index] ?? "\(index)")
        let cotangent = Operand.value(builder.function.addInput(name, builder.function.type(of: value)))
        seeds[value] = try seeds[value].map { try builder(.add, $0, cotangent) } ?? cotangent
      }
      return seeds
    }
  }

  /// What the gradient of an argument is called: the input's name, or the parameter's path.
  package static func name(of value: Value, in function: Function) -> String {
    guard let argument = function.arguments.first(where: { $0.value == value }) else { return "\(value.id)" }
    if case .input(let leaf) = argument.role, function.inputNames.indices.contains(leaf) {
      return function.inputNames[leaf]
    }
    return argument.path ?? "\(value.id)"
  }

  private static func derived(
    _ original: Function, _ values: [Value], isTraining: Bool, _ recomputes: ((ModuleCall) -> Bool)? = nil,
    seeds: (GraphBuilder, [Operand]) throws -> [Value: Operand]
  ) throws -> Function {
    for value in values where !original.arguments.contains(where: { $0.value == value }) {
      throw Diagnostic(.internalError, "%\(value.id) is no argument of \(original.name)")
    }
    for value in values where !original.type(of: value).dtype.isDifferentiable {
      let type = original.type(of: value)
      throw Diagnostic(
        .invalidInput, "`\(name(of: value, in: original))` is \(type), to which there is no gradient")
    }
    let function = try EliminateDeadCode().run(SettleMode(isTraining: isTraining).run(original))
    let builder = GraphBuilder(function.withoutCalls())
    let reverse = ReverseMode(builder, from: Set(values))
    try reverse.forward(function.body)
    let forwardCount = builder.operations.count
    let results = function.body.results.map(reverse.current)
    for (value, seed) in try seeds(builder, results) { try reverse.accumulate(seed, at: value) }
    try reverse.backward()
    let gradients = try values.map { try reverse.cotangent(of: $0) ?? builder.zeros(like: $0) }
    var derived = builder.finished(results: results + gradients)
    derived.stateUpdates = derived.stateUpdates.map { StateUpdate(path: $0.path, value: reverse.current($0.value)) }
    let fields = values.enumerated().map { index, value in
      Tree.Field(name(of: value, in: original), .leaf(results.count + index))
    }
    derived.outputs = .tuple([function.outputs, .dict(fields)])
    derived.name = original.name + "_and_gradient"
    if let recomputes { derived = try Rematerialise(isChosen: recomputes).run(derived, forwardCount: forwardCount) }
    return try PassPipeline(
      "clean up", [FoldConstants(), EliminateCommonSubexpressions(), EliminateDeadCode()]
    ).run(derived)
  }
}

extension Function {
  /// The function as one body: derivatives lie across the calls that it was cut along.
  fileprivate func withoutCalls() -> Function {
    var function = self
    function.calls = []
    function.passedNames = PassedNames()
    return function
  }

  fileprivate mutating func addInput(_ name: String, _ type: TensorType) -> Value {
    let (leaf, value) = (inputNames.count, makeValue(type, hint: name))
    arguments.append(Argument(.input(leaf: leaf), value))
    inputNames.append(name)
    if case .dict(let fields) = inputs { inputs = .dict(fields + [Tree.Field(name, .leaf(leaf))]) }
    return value
  }
}

extension GraphBuilder {
  func zeros(like value: Value) throws -> Operand { try full(function.type(of: value), .float(0)) }
}
