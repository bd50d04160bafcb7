/// A loss and metrics over some samples.
public struct Measures: Sendable, Hashable, Codable {
  public var loss: Double
  /// The metrics by name.
  public var metrics: [String: Double]

  /// The metric of this name; nil if it was not asked for.
  public var accuracy: Double? { metrics["accuracy"] }
}

/// What an epoch of training came to.
public struct Epoch: Sendable, Hashable, Codable {
  /// From 1 on.
  public var number: Int
  /// The mean loss and the metrics over the epoch's batches, as the model was when it saw each.
  public var training: Measures
  /// Of the validation data, as the model was at the end.
  public var validation: Measures?
  /// The factor of the schedule at the last step.
  public var learningRateFactor: Double
  /// The steps of the optimiser so far.
  public var step: Int
  /// How long the epoch took, with validation.
  public var seconds: Double

  public var loss: Double { training.loss }
  public var accuracy: Double? { training.accuracy }
}

/// What one batch came to.
public struct StepReport: Sendable, Hashable {
  /// From 1 on.
  public var epoch: Int
  /// From 1 on.
  public var batch: Int
  /// The batches of an epoch.
  public var batchCount: Int
  /// The steps of the optimiser so far.
  public var step: Int
  public var loss: Double
  public var learningRateFactor: Double
  public var samples: Int
}

/// How far training has come: with the variables, all that it needs to go on as if it had not been interrupted.
struct TrainingState: Sendable, Codable, Equatable {
  /// Epochs that are complete.
  var epoch = 0
  /// Batches of the next epoch that are done.
  var batch = 0
  /// Steps of the optimiser.
  var step = 0
  /// Batches whose gradients wait for a step.
  var accumulated = 0
  /// All batches so far, which random numbers are made of.
  var batchesSeen = 0
  var schedule = ScheduleState()
  /// Sums over the epoch so far.
  var sums = MeasureSums()
}

/// Losses and metrics of batches, added up.
struct MeasureSums: Sendable, Codable, Equatable {
  var loss = 0.0
  var samples = 0
  /// A sum and a count for each metric.
  var metrics: [Double] = []

  /// Adds a batch's results: the loss, then the sum and the count of each metric.
  mutating func add(_ results: [Double], samples count: Int) {
    loss += (results.first ?? 0) * Double(count)
    samples += count
    let values = results.dropFirst()
    if metrics.isEmpty { metrics = Array(repeating: 0, count: values.count) }
    for (index, value) in values.enumerated() where metrics.indices.contains(index) { metrics[index] += value }
  }

  func measures(_ kinds: [Metric]) -> Measures {
    var values: [String: Double] = [:]
    for (index, metric) in kinds.enumerated() where metrics.indices.contains(2 * index + 1) {
      values[metric.name] = metric.finish(metrics[2 * index] / metrics[2 * index + 1])
    }
    return Measures(loss: samples > 0 ? loss / Double(samples) : .nan, metrics: values)
  }
}
