extension Optimizer {
  /// Adam by the infinity norm (Kingma and Ba, 2015, section 7), as `torch.optim.Adamax`.
  public static func adamax(
    learningRate: Double = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(
      Adamax(beta1: beta1, beta2: beta2, epsilon: epsilon), learningRate: learningRate, weightDecay: weightDecay)
  }
}

struct Adamax: OptimizerRule {
  var beta1: Double
  var beta2: Double
  var epsilon: Double

  let name = "adamax"
  var slots: [OptimizerSlot] { [OptimizerSlot("exp_avg"), OptimizerSlot("exp_inf")] }
  var hyperparameters: [String: Double] { ["beta1": beta1, "beta2": beta2, "eps": epsilon] }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let mean = try state.slot("exp_avg").interpolated(to: gradient, GraphTensor(1 - beta1))
    let norm = try (GraphTensor(beta2) * state.slot("exp_inf")).maximum(gradient.abs() + GraphTensor(epsilon))
    (state["exp_avg"], state["exp_inf"]) = (mean, norm)
    return try parameter - step.learningRate / (1 - step.power(beta1)) * (mean / norm)
  }
}
