/// How an optimiser changes a parameter: as operations, which become part of the program of a training step.
public protocol OptimizerRule: Sendable {
  /// The name that checkpoints carry, such as `adamw`.
  var name: String { get }
  /// What the rule remembers from step to step.
  var slots: [OptimizerSlot] { get }
  /// The numbers that the rule was made with, by their names in `torch.optim`; checkpoints carry them.
  var hyperparameters: [String: Double] { get }
  /// New values of what there is once for all parameters; called once a step, before any parameter.
  ///
  /// - Parameter shared: the shared slots by name, to be replaced by their new values.
  func advance(_ shared: inout [String: GraphTensor], at step: OptimizerStep) throws
  /// The new value of a parameter.
  ///
  /// - Parameters:
  ///   - parameter: the parameter, of any shape and a floating type.
  ///   - gradient: its gradient, of the same type.
  ///   - state: the parameter's slots by name, to be replaced by their new values, and the new values of the shared
  ///     ones, to be read only.
  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor
}

extension OptimizerRule {
  public func advance(_ shared: inout [String: GraphTensor], at step: OptimizerStep) throws {}
}

/// Something that an optimiser remembers.
public struct OptimizerSlot: Sendable, Hashable {
  /// The name, which is that of `torch.optim`'s state where it has the optimiser.
  public var name: String
  /// What its elements are before the first step.
  public var initialValue: Double
  /// Whether it is one float64 number for all parameters rather than a tensor like each of them.
  public var isShared: Bool

  public init(_ name: String, initialValue: Double = 0, isShared: Bool = false) {
    self.name = name
    self.initialValue = initialValue
    self.isShared = isShared
  }
}

/// What an update depends on beside gradients and state.
public struct OptimizerStep {
  /// The number of this step, from 1 on: a float64 scalar.
  public let number: GraphTensor
  /// The learning rate of the parameter's group at this step: a float64 scalar.
  public let learningRate: GraphTensor
  /// The weight decay of the parameter's group.
  public let weightDecay: Double

  /// `base` to the power of the step's number: a float64 scalar.
  func power(_ base: Double) throws -> GraphTensor { try GraphTensor(base).power(number) }

  /// The gradient with the derivative of `weightDecay / 2 * parameter ** 2` added.
  func decayed(_ gradient: GraphTensor, _ parameter: GraphTensor) throws -> GraphTensor {
    weightDecay == 0 ? gradient : try gradient + GraphTensor(weightDecay) * parameter
  }

  /// The parameter shrunk by the decay alone, decoupled from the gradient (Loshchilov and Hutter, 2019).
  func shrunk(_ parameter: GraphTensor) throws -> GraphTensor {
    weightDecay == 0 ? parameter : try parameter * (1 - learningRate * GraphTensor(weightDecay))
  }
}

extension [String: GraphTensor] {
  /// A slot of a rule, which the caller has provided for each name in its `slots`.
  func slot(_ name: String) throws -> GraphTensor {
    guard let tensor = self[name] else { throw Problem.missing("the optimiser's slot `\(name)`") }
    return tensor
  }
}
