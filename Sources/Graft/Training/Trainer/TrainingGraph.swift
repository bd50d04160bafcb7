import GraftIR
import GraftNative
import GraftOps
import GraftTransform

/// Writes the programs of a training run: forward, loss, metrics, backward and update.
struct TrainingGraph {
  let model: Model
  let loss: Loss
  let metrics: [Metric]
  let optimizer: Optimizer
  let rematerialization: Rematerialization

  /// The names of the inputs that a step has beside a batch.
  static let stepInputs = ["optimizer step", "learning rate factor"]

  /// The arguments that are trained.
  static func trained(_ model: Model) -> [Argument] {
    let trainable = Set(model.parameters.filter(\.isTrainable).map(\.path))
    return model.function.arguments.filter { argument in
      if case .parameter(let path, _, _) = argument.role { trainable.contains(path) } else { false }
    }
  }

  /// From a batch to the loss, then the sum and the count of each metric.
  ///
  /// - Parameters:
  ///   - shapes: of the model's inputs, and then of the targets.
  /// - Throws: ``Diagnostic`` when shapes do not fit the model; ``Problem`` for a loss that is not a floating scalar.
  func evaluation(_ shapes: [[Int]], _ targets: [Column]) throws -> GraftIR.Function {
    let count = model.inputs.count
    let sizes = try InputSizes(model.function).bind(Array(shapes.prefix(count)), model.inputs.map(\.dtype))
    let function = try FixSizes(sizes).run(model.function)
    let builder = GraphBuilder(function.withoutCalls())
    for operation in function.body.operations { builder.append(operation) }
    let tensors = zip(targets, shapes.dropFirst(count)).map { column, shape in
      (
        name: column.name,
        tensor: builder.addInput("target \(column.name)", TensorType(column.dtype, shape.map { Dim($0) }))
      )
    }
    let names = function.outputs.leafNames
    let arguments = LossArguments(
      outputs: function.body.results.enumerated().map { index, result in
        (name: names[index] ?? "output_\(index)", tensor: GraphTensor(builder, result))
      }, targets: tensors)
    let value = try loss.build(arguments)
    guard value.builder === builder, value.rank == 0, value.dtype.isFloating else {
      throw Problem(
        Diagnostic(
          .invalidInput, "the loss `\(loss.name)` is \(value.type), and must be one floating number",
          remedy: "Take the mean or the sum of its terms."))
    }
    var results = [(name: "loss", tensor: value)]
    for metric in metrics {
      let (sum, count) = try metric.build(arguments)
      results += [(name: "\(metric.name) sum", tensor: sum), (name: "\(metric.name) count", tensor: count)]
    }
    return builder.finished(results)
  }

  /// What a batch does in training: the results of ``evaluation(_:_:)`` and updates of the variables.
  ///
  /// - Parameter takesStep: whether parameters change, rather than gradients being accumulated alone.
  func step(_ shapes: [[Int]], _ targets: [Column], takesStep: Bool) throws -> GraftIR.Function {
    let forward = try evaluation(shapes, targets)
    let paths = Self.trained(model).compactMap(\.path)
    let values = paths.compactMap { path in forward.arguments.first { $0.path == path }?.value }
    let recomputes: ((ModuleCall) -> Bool)? = rematerialization == .none ? nil : { rematerialization.includes($0) }
    let function = try Differentiation.gradient(of: forward, withRespectTo: values, recomputing: recomputes)
    let builder = GraphBuilder(function)
    for operation in function.body.operations { builder.append(operation) }
    let results = function.body.results.map { GraphTensor(builder, $0) }
    let entries = try zip(paths, results.suffix(paths.count)).map { path, gradient in
      guard let argument = function.arguments.first(where: { $0.path == path }) else {
        throw Problem.missing("the parameter `\(path)`")
      }
      return OptimizerGraph.Entry(
        path: path, parameter: GraphTensor(builder, .value(argument.value)), gradient: gradient)
    }
    let updates = try update(builder, entries, takesStep: takesStep)
    let names = ["loss"] + metrics.flatMap { ["\($0.name) sum", "\($0.name) count"] }
    var finished = builder.finished(zip(names, results).map { (name: $0, tensor: $1) })
    finished.body.operations = Self.early(finished.body, from: function.body.operations.count)
    finished.stateUpdates += updates.map { StateUpdate(path: $0.path, value: $0.value.operand) }
    finished.treatAsState(Set(takesStep ? paths : []))
    return finished
  }

  /// A body's operations, those from `start` on moved to where what they need is computed: a gradient is not kept until all
  /// others are known. None comes before the first result.
  private static func early(_ body: Block, from start: Int) -> [GraftIR.Operation] {
    var places: [Value: Int] = [:]
    for (index, operation) in body.operations.prefix(start).enumerated() {
      for value in operation.results { places[value] = index }
    }
    let first = body.results.first?.asValue.flatMap { places[$0] } ?? 0
    var moved: [Int: [GraftIR.Operation]] = [:]
    for operation in body.operations.dropFirst(start) {
      let place = max(operation.usedValues.compactMap { places[$0] }.max() ?? 0, first)
      for value in operation.results { places[value] = place }
      moved[place, default: []].append(operation)
    }
    return body.operations.prefix(start).enumerated().flatMap { [$1] + (moved[$0] ?? []) }
  }

  /// From a batch to all that the model and the loss compute on the way, with where each comes from.
  func diagnosis(_ shapes: [[Int]], _ targets: [Column]) throws -> (function: GraftIR.Function, origins: [Origin]) {
    var function = try evaluation(shapes, targets)
    let computed = function.body.operations.flatMap { operation in
      operation.results.filter { function.type(of: $0).dtype.isFloating }.map { (value: $0, origin: operation.origin) }
    }
    function.body.results = computed.map { .value($0.value) }
    function.outputs = .tuple(computed.indices.map { .leaf($0) })
    function.stateUpdates = []
    return (function, computed.map(\.origin))
  }

  private func update(
    _ builder: GraphBuilder, _ entries: [OptimizerGraph.Entry], takesStep: Bool
  ) throws -> [(path: String, value: GraphTensor)] {
    let inputs = Self.stepInputs.map { builder.addInput($0, TensorType(.float64)) }
    let kept = optimizer.variables(for: entries.map { (path: $0.path, type: $0.parameter.type) })
    var variables: [String: GraphTensor] = [:]
    for variable in kept { variables[variable.name] = builder.addState(variable.name, variable.type) }
    let graph = OptimizerGraph(optimizer: optimizer, step: inputs[0], factor: inputs[1])
    guard takesStep else {
      let sums = try graph.accumulate(entries, variables)
      return kept.compactMap { variable in sums[variable.name].map { (path: variable.name, value: $0) } }
    }
    let (parameters, updated) = try graph.update(entries, variables)
    return zip(entries, parameters).map { (path: $0.path, value: $1) }
      + kept.compactMap { variable in updated[variable.name].map { (path: variable.name, value: $0) } }
  }
}

extension GraftIR.Function {
  /// The function as one body: losses and updates belong to no module of it.
  fileprivate func withoutCalls() -> GraftIR.Function {
    var function = self
    function.calls = []
    function.passedNames = PassedNames()
    return function
  }

  /// Makes parameters state, which a program may change.
  fileprivate mutating func treatAsState(_ paths: Set<String>) {
    for index in arguments.indices {
      guard case .parameter(let path, _, _) = arguments[index].role, paths.contains(path) else { continue }
      arguments[index].role = .state(path: path, persistent: true)
    }
  }
}
