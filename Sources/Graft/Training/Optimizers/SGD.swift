import GraftIR

extension Optimizer {
  /// Stochastic gradient descent, with momentum (Sutskever et al., 2013), as `torch.optim.SGD`.
  ///
  /// - Parameters:
  ///   - dampening: the share of a gradient that does not enter the momentum.
  ///   - nesterov: whether the step looks ahead along the momentum; needs one, and no dampening.
  public static func sgd(
    learningRate: Double = 1e-3, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false
  ) -> Optimizer {
    Optimizer(
      SGD(momentum: momentum, dampening: dampening, nesterov: nesterov), learningRate: learningRate,
      weightDecay: weightDecay)
  }
}

struct SGD: OptimizerRule {
  var momentum: Double
  var dampening: Double
  var nesterov: Bool

  let name = "sgd"
  var slots: [OptimizerSlot] { momentum == 0 ? [] : [OptimizerSlot("momentum_buffer")] }
  var hyperparameters: [String: Double] {
    ["momentum": momentum, "dampening": dampening, "nesterov": nesterov ? 1 : 0]
  }

  func update(
    _ parameter: GraphTensor, gradient: GraphTensor, state: inout [String: GraphTensor], at step: OptimizerStep
  ) throws -> GraphTensor {
    if nesterov, momentum == 0 || dampening != 0 {
      throw Problem(Diagnostic(.invalidInput, "Nesterov's steps need a momentum, and no dampening"))
    }
    let gradient = try step.decayed(gradient, parameter)
    guard momentum != 0 else { return try parameter - step.learningRate * gradient }
    // The first gradient enters whole, whatever the dampening.
    let isFirst = try (step.number .== 1).converted(to: .float64)
    let share = dampening == 0 ? 1 : try GraphTensor(1 - dampening) + GraphTensor(dampening) * isFirst
    let buffer = try GraphTensor(momentum) * state.slot("momentum_buffer") + share * gradient
    state["momentum_buffer"] = buffer
    let direction = nesterov ? try gradient + GraphTensor(momentum) * buffer : buffer
    return try parameter - step.learningRate * direction
  }
}
