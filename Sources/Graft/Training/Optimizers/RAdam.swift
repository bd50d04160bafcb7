extension Optimizer {
  /// Rectified Adam (Liu et al., 2020), as `torch.optim.RAdam`.
  public static func radam(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(RAdam(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate, weightDecay: weightDecay)
  }
}

struct RAdam: OptimizerRule {
  var beta1: Double
  var beta2: Double
  var epsilon: Double

  let name = "radam"
  var slots: [OptimizerSlot] { [OptimizerSlot("exp_avg"), OptimizerSlot("exp_avg_sq")] }
  var hyperparameters: [String: Double] { ["beta1": beta1, "beta2": beta2, "eps": epsilon] }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let mean = try state.slot("exp_avg").interpolated(to: gradient, GraphTensor(1 - beta1))
    let square = try GraphTensor(beta2) * state.slot("exp_avg_sq") + GraphTensor(1 - beta2) * gradient * gradient
    (state["exp_avg"], state["exp_avg_sq"]) = (mean, square)
    let correction = try 1 - step.power(beta2)
    // The length of the approximated moving average, and its limit.
    let limit = 2 / (1 - beta2) - 1
    let length = try GraphTensor(limit) - 2 * step.number * step.power(beta2) / correction
    let rectified = try
      ((length - 4) * (length - 2) * GraphTensor(limit) / (length * GraphTensor((limit - 4) * (limit - 2))))
      .maximum(0).sqrt()
    let adaptive = try rectified * correction.sqrt() / (square.sqrt() + GraphTensor(epsilon))
    let factor = try (length .> 5).select(adaptive, else: 1)
    return try parameter - step.learningRate / (1 - step.power(beta1)) * mean * factor
  }
}
