extension Optimizer {
  /// Adagrad (Duchi, Hazan and Singer, 2011), as `torch.optim.Adagrad`.
  ///
  /// - Parameters:
  ///   - learningRateDecay: what each step adds to the divisor of the learning rate.
  ///   - initialAccumulator: the sum of squares before the first step.
  public static func adagrad(
    learningRate: Double = 1e-2, learningRateDecay: Double = 0, weightDecay: Double = 0, initialAccumulator: Double = 0,
    epsilon: Double = 1e-10
  ) -> Optimizer {
    Optimizer(
      Adagrad(learningRateDecay: learningRateDecay, initialAccumulator: initialAccumulator, epsilon: epsilon),
      learningRate: learningRate, weightDecay: weightDecay)
  }
}

struct Adagrad: OptimizerRule {
  var learningRateDecay: Double
  var initialAccumulator: Double
  var epsilon: Double

  let name = "adagrad"
  var slots: [OptimizerSlot] { [OptimizerSlot("sum", initialValue: initialAccumulator)] }
  var hyperparameters: [String: Double] {
    ["lr_decay": learningRateDecay, "initial_accumulator_value": initialAccumulator, "eps": epsilon]
  }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let sum = try state.slot("sum") + gradient * gradient
    state["sum"] = sum
    let rate = try step.learningRate / (1 + (step.number - 1) * GraphTensor(learningRateDecay))
    return try parameter - rate * (gradient / (sum.sqrt() + GraphTensor(epsilon)))
  }
}
