extension Optimizer {
  /// Adadelta (Zeiler, 2012), as `torch.optim.Adadelta`.
  public static func adadelta(
    learningRate: Double = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) -> Optimizer {
    Optimizer(Adadelta(rho: rho, epsilon: epsilon), learningRate: learningRate, weightDecay: weightDecay)
  }
}

struct Adadelta: OptimizerRule {
  var rho: Double
  var epsilon: Double

  let name = "adadelta"
  var slots: [OptimizerSlot] { [OptimizerSlot("square_avg"), OptimizerSlot("acc_delta")] }
  var hyperparameters: [String: Double] { ["rho": rho, "eps": epsilon] }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    let gradient = try step.decayed(gradient, parameter)
    let square = try GraphTensor(rho) * state.slot("square_avg") + GraphTensor(1 - rho) * gradient * gradient
    let accumulated = try state.slot("acc_delta")
    let epsilon = GraphTensor(epsilon)
    let delta = try (accumulated + epsilon).sqrt() / (square + epsilon).sqrt() * gradient
    state["square_avg"] = square
    state["acc_delta"] = try GraphTensor(rho) * accumulated + GraphTensor(1 - rho) * delta * delta
    return try parameter - step.learningRate * delta
  }
}
