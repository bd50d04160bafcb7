import GraftIR

/// How parameters follow from their gradients: a rule such as AdamW, with its learning rate and what goes with any
/// rule.
///
///     let optimizer = Optimizer.adamW(learningRate: 1e-3, weightDecay: 0.01)
///       .withoutDecay { $0.hasSuffix("bias") }
///       .withGroup(learningRate: 1e-4) { $0.hasPrefix("backbone.") }
///       .clippingGradients(.norm(1))
public struct Optimizer: Sendable {
  public var rule: any OptimizerRule
  public var learningRate: Double
  public var weightDecay: Double
  /// Parameters that are treated in another way; of several groups that a parameter is in, the last one counts.
  public var groups: [ParameterGroup] = []
  public var clipping: GradientClipping?
  /// How many batches make one step; their gradients are averaged.
  public var accumulation = 1
  /// The share that a moving average of the parameters keeps at each step; none is kept if nil.
  public var averaging: Double?

  public init(_ rule: any OptimizerRule, learningRate: Double, weightDecay: Double = 0) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }
}

/// Parameters with a learning rate or weight decay of their own.
public struct ParameterGroup: Sendable {
  /// Nil for the optimiser's.
  public var learningRate: Double?
  /// Nil for the optimiser's.
  public var weightDecay: Double?
  /// Whether the parameter of a path belongs to the group.
  public var contains: @Sendable (_ path: String) -> Bool

  public init(
    learningRate: Double? = nil, weightDecay: Double? = nil, contains: @escaping @Sendable (_ path: String) -> Bool
  ) {
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.contains = contains
  }
}

/// A limit to gradients.
public enum GradientClipping: Sendable, Hashable {
  /// All gradients scaled down together when their common Euclidean norm is larger, as
  /// `torch.nn.utils.clip_grad_norm_`.
  case norm(Double)
  /// Each element limited to a magnitude, as `torch.nn.utils.clip_grad_value_`.
  case value(Double)
}

extension Optimizer {
  /// The optimiser with a group of parameters that has a learning rate or weight decay of its own.
  public func withGroup(
    learningRate: Double? = nil, weightDecay: Double? = nil, contains: @escaping @Sendable (_ path: String) -> Bool
  ) -> Optimizer {
    var optimizer = self
    optimizer.groups.append(ParameterGroup(learningRate: learningRate, weightDecay: weightDecay, contains: contains))
    return optimizer
  }

  /// The optimiser without weight decay for the parameters of some paths, as is usual for biases and normalisations.
  public func withoutDecay(_ excludes: @escaping @Sendable (_ path: String) -> Bool) -> Optimizer {
    withGroup(weightDecay: 0, contains: excludes)
  }

  public func clippingGradients(_ clipping: GradientClipping) -> Optimizer {
    var optimizer = self
    optimizer.clipping = clipping
    return optimizer
  }

  /// The optimiser taking one step for so many batches, of whose gradients it takes the mean.
  public func accumulatingGradients(over batches: Int) -> Optimizer {
    var optimizer = self
    optimizer.accumulation = batches
    return optimizer
  }

  /// The optimiser keeping an exponential moving average of the parameters: `decay * average + (1 - decay) * parameter`
  /// after each step, beginning with the parameters themselves.
  public func averagingParameters(decay: Double) -> Optimizer {
    var optimizer = self
    optimizer.averaging = decay
    return optimizer
  }

  /// Learning rate and weight decay of a parameter.
  func settings(for path: String) -> (learningRate: Double, weightDecay: Double) {
    groups.reduce((learningRate, weightDecay)) { settings, group in
      guard group.contains(path) else { return settings }
      return (group.learningRate ?? settings.0, group.weightDecay ?? settings.1)
    }
  }

  /// - Throws: ``Problem`` for numbers that no training can have.
  func check() throws {
    let rates = [learningRate] + groups.compactMap(\.learningRate)
    let decays = [weightDecay] + groups.compactMap(\.weightDecay)
    func reject(_ message: String) -> Problem { Problem(Diagnostic(.invalidInput, message)) }
    guard (rates + decays).allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw reject("a learning rate or weight decay is negative or not a number: \(rates), \(decays)")
    }
    for (name, value) in rule.hyperparameters.sorted(by: { $0.key < $1.key }) where !value.isFinite {
      throw reject("`\(name)` of \(rule.name) is \(value)")
    }
    guard accumulation >= 1 else { throw reject("gradients cannot be accumulated over \(accumulation) batches") }
    if let averaging, !(0...1).contains(averaging) { throw reject("an average cannot keep a share of \(averaging)") }
    switch clipping {
    case .norm(let limit), .value(let limit):
      guard limit > 0 else { throw reject("gradients cannot be limited to \(limit)") }
    case nil: break
    }
  }
}

extension Problem {
  /// Something that the program itself should have provided.
  static func missing(_ what: String) -> Problem { Problem(Diagnostic(.internalError, "\(what) is missing")) }
}
