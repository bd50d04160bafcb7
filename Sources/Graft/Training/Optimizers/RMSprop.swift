extension Optimizer {
  /// RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012), as `torch.optim.RMSprop`.
  ///
  /// - Parameter centered: whether the gradient's variance counts rather than its square (Graves, 2013).
  public static func rmsprop(
    learningRate: Double = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0,
    momentum: Double = 0, centered: Bool = false
  ) -> Optimizer {
    Optimizer(
      RMSprop(alpha: alpha, epsilon: epsilon, momentum: momentum, centered: centered), learningRate: learningRate,
      weightDecay: weightDecay)
  }
}

struct RMSprop: OptimizerRule {
  var alpha: Double
  var epsilon: Double
  var momentum: Double
  var centered: Bool

  let name = "rmsprop"
  var slots: [OptimizerSlot] {
    [OptimizerSlot("square_avg")] + (momentum > 0 ? [OptimizerSlot("momentum_buffer")] : [])
      + (centered ? [OptimizerSlot("grad_avg")] : [])
  }
  var hyperparameters: [String: Double] {
    ["alpha": alpha, "eps": epsilon, "momentum": momentum, "centered": centered ? 1 : 0]
  }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let square = try GraphTensor(alpha) * state.slot("square_avg") + GraphTensor(1 - alpha) * gradient * gradient
    state["square_avg"] = square
    var variance = square
    if centered {
      let mean = try state.slot("grad_avg").interpolated(to: gradient, GraphTensor(1 - alpha))
      state["grad_avg"] = mean
      variance = try square - mean * mean
    }
    var direction = try gradient / (variance.sqrt() + GraphTensor(epsilon))
    if momentum > 0 {
      direction = try GraphTensor(momentum) * state.slot("momentum_buffer") + direction
      state["momentum_buffer"] = direction
    }
    return try parameter - step.learningRate * direction
  }
}
