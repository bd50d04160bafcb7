extension Optimizer {
  /// Adam (Kingma and Ba, 2015), as `torch.optim.Adam`; the decay enters the gradient.
  ///
  /// - Parameter amsgrad: whether the largest second moment so far counts (Reddi et al., 2018).
  public static func adam(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, amsgrad: Bool = false
  ) -> Optimizer {
    Optimizer(
      Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, isDecoupled: false),
      learningRate: learningRate, weightDecay: weightDecay)
  }
}

/// Adam, and AdamW where the decay is decoupled.
struct Adam: OptimizerRule {
  var beta1: Double
  var beta2: Double
  var epsilon: Double
  var amsgrad: Bool
  /// Whether the decay shrinks the parameter rather than entering the gradient.
  var isDecoupled: Bool

  var name: String { isDecoupled ? "adamw" : "adam" }
  var slots: [OptimizerSlot] {
    [OptimizerSlot("exp_avg"), OptimizerSlot("exp_avg_sq")] + (amsgrad ? [OptimizerSlot("max_exp_avg_sq")] : [])
  }
  var hyperparameters: [String: Double] {
    ["beta1": beta1, "beta2": beta2, "eps": epsilon, "amsgrad": amsgrad ? 1 : 0]
  }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = isDecoupled ? gradient : try step.decayed(gradient, parameter)
    let mean = try state.slot("exp_avg").interpolated(to: gradient, GraphTensor(1 - beta1))
    let square = try GraphTensor(beta2) * state.slot("exp_avg_sq") + GraphTensor(1 - beta2) * gradient * gradient
    (state["exp_avg"], state["exp_avg_sq"]) = (mean, square)
    var scale = square
    if amsgrad {
      scale = try state.slot("max_exp_avg_sq").maximum(square)
      state["max_exp_avg_sq"] = scale
    }
    let correction = try (1 - step.power(beta2)).sqrt()
    let stepSize = try step.learningRate / (1 - step.power(beta1))
    let denominator = try scale.sqrt() / correction + GraphTensor(epsilon)
    return try (isDecoupled ? step.shrunk(parameter) : parameter) - stepSize * (mean / denominator)
  }
}
