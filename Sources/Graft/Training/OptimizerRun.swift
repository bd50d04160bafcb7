import GraftFiles
import GraftIR
import GraftNative
import GraftOps

/// An optimiser at work on given parameters, for training loops that are written by hand.
///
///     var optimizer = try Optimizer.adamW(learningRate: 1e-3).run(for: parameters)
///     try optimizer.update(&parameters, gradients)
///
/// ``Trainer`` needs none: there the update is part of the step's program.
public struct OptimizerRun: Sendable {
  public let optimizer: Optimizer
  /// How many updates there have been.
  public private(set) var step = 0
  /// What the optimiser remembers: `optimizer.SLOT.PATH`, by the names that `torch.optim` gives the slots, and
  /// `average.PATH`.
  public private(set) var state: [String: Tensor] = [:]

  private let paths: [String]
  private let variables: [String]
  private let program: NativeProgram

  fileprivate init(_ optimizer: Optimizer, _ parameters: [String: Tensor]) throws {
    var single = optimizer
    single.accumulation = 1
    try single.check()
    self.optimizer = single
    let sorted = parameters.sorted { $0.key < $1.key }
    for (path, tensor) in sorted where !tensor.dtype.isFloating {
      throw Problem(
        Diagnostic(.invalidInput, "the parameter `\(path)` is of \(tensor.dtype.rawValue), and cannot be trained"))
    }
    paths = sorted.map(\.key)
    let types = sorted.map { (path: $0.key, type: TensorType($0.value.dtype, $0.value.shape.map { Dim($0) })) }
    let kept = single.variables(for: types)
    variables = kept.map(\.name)
    for variable in kept {
      state[variable.name] =
        switch variable.start {
        case .value(let value): try Tensor(filling: value, variable.type)
        case .parameter(let path): parameters[path]
        }
    }
    program = try Problem.wrap {
      try NativeProgram(Self.function(single, types, kept), kernels: .ofThisProcess()) { _ in nil }
    }
  }

  /// The step as a function of parameters, gradients, variables, the step's number and the schedule's factor.
  private static func function(
    _ optimizer: Optimizer, _ types: [(path: String, type: TensorType)], _ kept: [OptimizerVariable]
  ) throws -> GraftIR.Function {
    let builder = GraphBuilder(GraftIR.Function(name: optimizer.rule.name))
    let parameters = types.map { builder.addInput("parameter.\($0.path)", $0.type) }
    let gradients = types.map { builder.addInput("gradient.\($0.path)", $0.type) }
    var variables: [String: GraphTensor] = [:]
    for variable in kept { variables[variable.name] = builder.addInput(variable.name, variable.type) }
    let step = builder.addInput("step", TensorType(.float64))
    let factor = builder.addInput("factor", TensorType(.float64))
    let graph = OptimizerGraph(optimizer: optimizer, step: step, factor: factor)
    let updated = try graph.update(
      types.indices.map {
        OptimizerGraph.Entry(path: types[$0].path, parameter: parameters[$0], gradient: gradients[$0])
      }, variables)
    return builder.finished(
      zip(types, updated.parameters).map { (name: "parameter.\($0.path)", tensor: $1) }
        + kept.compactMap { variable in updated.variables[variable.name].map { (name: variable.name, tensor: $0) } })
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - parameters: those that the optimiser was made for, by path; replaced by their new values.
  ///   - gradients: as many, of the same types and shapes.
  ///   - factor: what a ``Schedule`` multiplies the learning rates with at this step.
  /// - Throws: ``Problem`` for a parameter or gradient that is missing or of another type or shape.
  public mutating func update(
    _ parameters: inout [String: Tensor], _ gradients: [String: Tensor], factor: Double = 1
  ) throws {
    func named(_ tensors: [String: Tensor], _ name: String, _ what: String) throws -> Tensor {
      guard let tensor = tensors[name] else {
        throw Problem(Diagnostic(.invalidInput, "the \(what) `\(name)` is missing"))
      }
      return tensor
    }
    var inputs = try paths.map { try named(parameters, $0, "parameter") }
    inputs += try paths.map { try named(gradients, $0, "gradient of") }
    inputs += try variables.map { try named(state, $0, "variable") }
    inputs += [try Tensor(Double(step + 1)), try Tensor(factor)]
    let results = try Problem.wrap { try program.run(inputs.map(\.data)).map(Tensor.init) }
    for (path, tensor) in zip(paths, results) { parameters[path] = tensor }
    for (name, tensor) in zip(variables, results.dropFirst(paths.count)) { state[name] = tensor }
    step += 1
  }
}

extension Optimizer {
  /// The optimiser at work on parameters by path, before its first step.
  ///
  /// - Throws: ``Problem`` for a parameter that is not of a floating type, and numbers that no training can have.
  public func run(for parameters: [String: Tensor]) throws -> OptimizerRun { try OptimizerRun(self, parameters) }
}

extension Tensor {
  /// A tensor of one repeated number of a floating type.
  init(filling value: Double, _ type: TensorType) throws {
    let shape = type.shape.compactMap(\.knownValue)
    self = try Tensor(repeating: value, shape: shape).converted(to: type.dtype)
  }
}
