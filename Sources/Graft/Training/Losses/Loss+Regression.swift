import GraftIR
import GraftOps

extension Loss {
  /// The squared error, as `torch.nn.MSELoss`.
  public static func meanSquaredError(reduction: Reduction = .mean) -> Loss { Loss(.mseLoss, reduction) }

  /// The absolute error, as `torch.nn.L1Loss`.
  public static func meanAbsoluteError(reduction: Reduction = .mean) -> Loss { Loss(.l1Loss, reduction) }

  /// `0.5 * d ** 2` for errors d up to delta, `delta * (d - 0.5 * delta)` above (Huber, 1964), as `torch.nn.HuberLoss`.
  public static func huber(delta: Double = 1, reduction: Reduction = .mean) -> Loss {
    Loss(.huberLoss, reduction, ["delta": .float(delta)])
  }

  /// `0.5 * d ** 2 / beta` for errors d below beta, `d - 0.5 * beta` above (Girshick, 2015), as
  /// `torch.nn.SmoothL1Loss`.
  public static func smoothL1(beta: Double = 1, reduction: Reduction = .mean) -> Loss {
    Loss(.smoothL1Loss, reduction, ["beta": .float(beta)])
  }

  /// The negative log likelihood of counts under a Poisson distribution, as `torch.nn.PoissonNLLLoss`.
  ///
  /// - Parameters:
  ///   - logInput: whether the output is the logarithm of the mean.
  ///   - full: whether Stirling's approximation of the target's factorial is added.
  public static func poissonNLL(
    logInput: Bool = true, full: Bool = false, epsilon: Double = 1e-8, reduction: Reduction = .mean
  ) -> Loss {
    Loss(
      .poissonNLLLoss, reduction,
      ["log_input": .bool(logInput), "full": .bool(full), "eps": .float(epsilon)])
  }

  /// The negative log likelihood of the target under a normal distribution of the first output as its mean and the
  /// second as its variance, which is at least `epsilon` (Nix and Weigend, 1994), as `torch.nn.GaussianNLLLoss`.
  ///
  /// - Parameter full: whether the constant term is added.
  public static func gaussianNLL(full: Bool = false, epsilon: Double = 1e-6, reduction: Reduction = .mean) -> Loss {
    Loss(named: "gaussian_nll_loss") { arguments in
      let (mean, target) = (try arguments.output(0), try arguments.target)
      let variance = try arguments.output(1)
      // The limit counts in the value only, not in the gradient.
      let limited = try variance + (variance.maximum(GraphTensor(epsilon)) - variance).stopGradient()
      var terms = try 0.5 * (limited.log() + (mean - target).squared() / limited)
      if full { terms = try terms + GraphTensor(0.9189385332046727) }
      return try reduction.applied(to: terms)
    }
  }

  /// `target * (log(target) - output)` for an output of log-probabilities, as `torch.nn.KLDivLoss`.
  ///
  /// - Parameters:
  ///   - logTarget: whether the targets are log-probabilities, too.
  ///   - batchMean: whether the sum is divided by the number of samples rather than of elements, as the definition has
  ///     it.
  public static func klDivergence(
    logTarget: Bool = false, batchMean: Bool = false, reduction: Reduction = .mean
  ) -> Loss {
    let terms = Loss(.klDivergence, batchMean ? .sum : reduction, ["log_target": .bool(logTarget)])
    guard batchMean else { return terms }
    return Loss(named: terms.name) { arguments in
      let output = try arguments.output
      let sum = try terms.build(arguments)
      guard let builder = output.builder, let samples = output.type.shape.first else { return sum }
      return try sum
        / GraphTensor(builder, builder(.dimension, attributes: ["value": .dim(samples), "dtype": .dtype(sum.dtype)]))
    }
  }
}
