extension Optimizer {
  /// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2): the sign of an
  /// interpolated momentum, with decoupled weight decay.
  public static func lion(
    learningRate: Double = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(Lion(beta1: beta1, beta2: beta2), learningRate: learningRate, weightDecay: weightDecay)
  }
}

struct Lion: OptimizerRule {
  var beta1: Double
  var beta2: Double

  let name = "lion"
  var slots: [OptimizerSlot] { [OptimizerSlot("exp_avg")] }
  var hyperparameters: [String: Double] { ["beta1": beta1, "beta2": beta2] }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let mean = try state.slot("exp_avg")
    let direction = try (GraphTensor(beta1) * mean + GraphTensor(1 - beta1) * gradient).sign()
    state["exp_avg"] = try GraphTensor(beta2) * mean + GraphTensor(1 - beta2) * gradient
    return try step.shrunk(parameter) - step.learningRate * direction
  }
}
