extension Optimizer {
  /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as `torch.optim.AdamW`.
  public static func adamW(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, amsgrad: Bool = false
  ) -> Optimizer {
    Optimizer(
      Adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, isDecoupled: true),
      learningRate: learningRate, weightDecay: weightDecay)
  }
}
