extension Optimizer {
  /// Adam with Nesterov's momentum (Dozat, 2016), as `torch.optim.NAdam`.
  ///
  /// - Parameter momentumDecay: how fast the momentum approaches `beta1`.
  public static func nadam(
    learningRate: Double = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, momentumDecay: Double = 4e-3
  ) -> Optimizer {
    Optimizer(
      NAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, momentumDecay: momentumDecay), learningRate: learningRate,
      weightDecay: weightDecay)
  }
}

struct NAdam: OptimizerRule {
  var beta1: Double
  var beta2: Double
  var epsilon: Double
  var momentumDecay: Double

  let name = "nadam"
  var slots: [OptimizerSlot] {
    [
      OptimizerSlot("exp_avg"), OptimizerSlot("exp_avg_sq"),
      OptimizerSlot("mu_product", initialValue: 1, isShared: true),
    ]
  }
  var hyperparameters: [String: Double] {
    ["beta1": beta1, "beta2": beta2, "eps": epsilon, "momentum_decay": momentumDecay]
  }

  /// The momentum of a step.
  private func momentum(_ number: GraphTensor) throws -> GraphTensor {
    try GraphTensor(beta1) * (1 - 0.5 * GraphTensor(0.96).power(number * GraphTensor(momentumDecay)))
  }

  func advance(_ shared: inout [String: GraphTensor], at step: OptimizerStep) throws {
    shared["mu_product"] = try shared.slot("mu_product") * momentum(step.number)
  }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let mean = try state.slot("exp_avg").interpolated(to: gradient, GraphTensor(1 - beta1))
    let square = try GraphTensor(beta2) * state.slot("exp_avg_sq") + GraphTensor(1 - beta2) * gradient * gradient
    (state["exp_avg"], state["exp_avg_sq"]) = (mean, square)
    let product = try state.slot("mu_product")
    let next = try momentum(step.number + 1)
    let denominator = try (square / (1 - step.power(beta2))).sqrt() + GraphTensor(epsilon)
    let ofGradient = try step.learningRate * (1 - momentum(step.number)) / (1 - product)
    let ofMean = try step.learningRate * next / (1 - product * next)
    return try parameter - ofGradient * (gradient / denominator) - ofMean * (mean / denominator)
  }
}
