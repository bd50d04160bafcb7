import ArgumentParser
import Foundation
import Graft

/// How `graft train` trains.
struct TrainMethodOptions: ParsableArguments {
  enum LossName: String, ExpressibleByArgument, CaseIterable {
    case crossEntropy = "cross-entropy"
    case languageModel = "language-model"
    case binaryCrossEntropy = "bce"
    case mse, mae, huber, nll
  }

  enum OptimizerName: String, ExpressibleByArgument, CaseIterable {
    case sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, nadam, radam, lion
  }

  enum ScheduleName: String, ExpressibleByArgument, CaseIterable {
    case constant, cosine, linear, plateau
    case oneCycle = "one-cycle"
  }

  enum MetricName: String, ExpressibleByArgument, CaseIterable {
    case accuracy, top5, mae, mse, rmse, perplexity
  }

  @Option(
    help: "What is made small. bce takes logits; language-model is cross-entropy with the classes along the last axis.")
  var loss: LossName = .crossEntropy

  @Option(help: "The optimiser.")
  var optimizer: OptimizerName = .adamw

  @Option(help: "The learning rate.")
  var learningRate = 1e-3

  @Option(help: "The weight decay. Biases and other parameters of one axis have none.")
  var weightDecay = 0.01

  @Option(help: "The momentum of sgd and rmsprop.")
  var momentum = 0.9

  @Option(help: "How the learning rate changes from step to step; plateau, from epoch to epoch.")
  var schedule: ScheduleName = .constant

  @Option(help: "Steps in which the learning rate of the cosine schedule rises.")
  var warmup = 0

  @Option(help: "How often all samples are seen.")
  var epochs = 1

  @Option(name: .customLong("metric"), help: "What is measured beside the loss. Repeatable.")
  var metricNames: [MetricName] = []

  @Option(help: ArgumentHelp("The largest norm of all gradients together.", valueName: "norm"))
  var clipNorm: Double?

  @Option(help: ArgumentHelp("Batches that make one step.", valueName: "batches"))
  var accumulate = 1

  @Option(
    help: ArgumentHelp(
      "Modules to compute again on the way back instead of keeping what they computed: less memory, more time. Repeatable.",
      valueName: "pattern"))
  var rematerialize: [String] = []

  @Option(
    help: ArgumentHelp("Parameters to leave as they are: paths, with * for anything. Repeatable.", valueName: "pattern")
  )
  var freeze: [String] = []

  @Option(help: ArgumentHelp("Parameters to train; all others stay. Repeatable.", valueName: "pattern"))
  var trainOnly: [String] = []

  @Option(help: ArgumentHelp("A parameter or module to begin anew. Repeatable.", valueName: "path"))
  var reinitialize: [String] = []

  func validate() throws {
    if epochs < 1 { throw ValidationError("--epochs must be at least 1") }
    if accumulate < 1 { throw ValidationError("--accumulate must be at least 1") }
    if warmup < 0 { throw ValidationError("--warmup must not be negative") }
  }

  /// Freezes and begins anew what the options say.
  func prepare(_ model: inout Model, seed: UInt64) throws {
    let (frozen, trained) = (freeze.map(PathPattern.init), trainOnly.map(PathPattern.init))
    model.freeze { path in
      frozen.contains { $0.matches(path) } || (!trained.isEmpty && !trained.contains { $0.matches(path) })
    }
    for path in reinitialize { try model.reinitialize(path, seed: seed) }
  }

  func chosenLoss() -> Loss {
    switch loss {
    case .crossEntropy: .crossEntropy
    case .languageModel: .crossEntropy(classAxis: -1)
    case .binaryCrossEntropy: .binaryCrossEntropyWithLogits()
    case .mse: .meanSquaredError()
    case .mae: .meanAbsoluteError()
    case .huber: .huber()
    case .nll: .nll()
    }
  }

  func chosenOptimizer() -> Optimizer {
    let (rate, decay) = (learningRate, weightDecay)
    var chosen: Optimizer =
      switch optimizer {
      case .sgd: .sgd(learningRate: rate, momentum: momentum, weightDecay: decay)
      case .adam: .adam(learningRate: rate, weightDecay: decay)
      case .adamw: .adamW(learningRate: rate, weightDecay: decay)
      case .rmsprop: .rmsprop(learningRate: rate, weightDecay: decay, momentum: momentum)
      case .adagrad: .adagrad(learningRate: rate, weightDecay: decay)
      case .adadelta: .adadelta(learningRate: rate, weightDecay: decay)
      case .adamax: .adamax(learningRate: rate, weightDecay: decay)
      case .nadam: .nadam(learningRate: rate, weightDecay: decay)
      case .radam: .radam(learningRate: rate, weightDecay: decay)
      case .lion: .lion(learningRate: rate, weightDecay: decay)
      }
    chosen = chosen.withoutDecay { $0.hasSuffix("bias") || $0.split(separator: ".").contains { $0.contains("norm") } }
    if let clipNorm { chosen = chosen.clippingGradients(.norm(clipNorm)) }
    return chosen.accumulatingGradients(over: accumulate)
  }

  /// - Parameter steps: the batches of all epochs.
  func chosenSchedule(steps: Int) -> Schedule {
    let total = max(steps / accumulate, 1)
    return switch schedule {
    case .constant: .constant
    case .cosine: .cosine(warmup: warmup, total: total)
    case .linear: .linear(from: 1, to: 0, over: total)
    case .plateau: .plateau()
    case .oneCycle: .oneCycle(total: total)
    }
  }

  func metrics() -> [Metric] {
    let classAxis = loss == .languageModel ? -1 : 1
    return metricNames.map { name in
      switch name {
      case .accuracy: loss == .binaryCrossEntropy ? .binaryAccuracy() : .accuracy(classAxis: classAxis)
      case .top5: .topK(5)
      case .mae: .meanAbsoluteError
      case .mse: .meanSquaredError
      case .rmse: .rootMeanSquaredError
      case .perplexity: .perplexity(classAxis: classAxis)
      }
    }
  }
}
