public import Foundation
import GraftIR
import GraftNative

/// Data that a model is evaluated on: batches, or a dataset, of which as many samples go into a batch as in training.
public protocol EvaluationData: Sendable {
  func batches(of size: Int) -> Batches
}

extension Batches: EvaluationData {
  public func batches(of size: Int) -> Batches { self }
}

extension Dataset {
  public func batches(of size: Int) -> Batches { batched(size) }
}

/// When checkpoints are saved, and where.
public struct CheckpointPolicy: Sendable {
  public var url: URL
  /// How many batches lie between two; nil for the ends of epochs alone.
  public var interval: Int?

  public init(_ url: URL, everyBatches interval: Int? = nil) {
    self.url = url
    self.interval = interval
  }
}

extension Trainer {
  /// Trains until so many epochs are complete, and yields each when it is.
  ///
  /// Epochs that were complete before, as after ``restore(from:)``, are not repeated, and a started one goes on where
  /// it was. Each is computed when the sequence is asked for it: leaving the loop stops training.
  ///
  /// - Parameters:
  ///   - validation: what the model is evaluated on after each epoch.
  ///   - checkpoint: where the state is saved after each epoch, or more often.
  ///   - report: called after each batch.
  /// - Throws: ``Problem``, before the first step for data that do not fit the model, and with the code `not-finite`
  ///   for a loss that is no finite number.
  public func fit(
    _ data: Batches, epochs: Int, validation: (any EvaluationData)? = nil, checkpoint: CheckpointPolicy? = nil,
    report: (@Sendable (StepReport) -> Void)? = nil
  ) -> AsyncThrowingStream<Epoch, any Error> {
    let session = FitSession(
      trainer: self, data: data, validation: validation?.batches(of: data.size), checkpoint: checkpoint, report: report)
    return AsyncThrowingStream {
      guard self.epoch < epochs else { return nil }
      return try await session.epoch()
    }
  }

  /// The loss and the metrics over data, in inference mode.
  ///
  /// - Throws: ``Problem`` for data that do not fit the model.
  public func evaluate(_ data: some EvaluationData) async throws -> Measures {
    try await evaluate(
      data.batches(of: 64), DataBinding(data.batches(of: 64).dataset.columns, to: programs.graph.model))
  }

  func evaluate(_ data: Batches, _ binding: DataBinding) async throws -> Measures {
    try data.check()
    var reader = BatchReader(data, epoch: 0)
    defer { reader.cancel() }
    var sums = MeasureSums()
    while let batch = try await reader.read() {
      try Task.checkCancellation()
      let samples = batch.first?.shape.first ?? 0
      let results = try Problem.wrap {
        try state.withLock { _ in
          try programs.program(.evaluation, binding, samples: samples).run(binding.arguments(batch).map(\.data))
            .map { $0.doubles().first ?? .nan }
        }
      }
      sums.add(results, samples: samples)
    }
    return sums.measures(metrics)
  }

  /// Plans the first batch, so that what does not fit is found before parameters change.
  func prepare(_ data: Batches, _ kind: TrainingPrograms.Kind) throws -> DataBinding {
    try data.check()
    let binding = try DataBinding(data.dataset.columns, to: programs.graph.model)
    try Problem.wrap {
      let samples = min(data.size, data.dataset.count)
      let program = try programs.program(kind, binding, samples: samples)
      var shapes = binding.shapes(samples: samples)
      if kind != .evaluation { shapes += TrainingGraph.stepInputs.map { _ in [] } }
      _ = try program.plan(for: shapes)
    }
    return binding
  }
}

/// One call of `fit`.
private struct FitSession: Sendable {
  let trainer: Trainer
  let data: Batches
  let validation: Batches?
  let checkpoint: CheckpointPolicy?
  let report: (@Sendable (StepReport) -> Void)?

  /// The next epoch, from where it was left.
  func epoch() async throws -> Epoch {
    let clock = ContinuousClock()
    let start = clock.now
    let binding = try trainer.prepare(data, trainer.optimizer.accumulation > 1 ? .accumulation : .step)
    let validationBinding = try validation.map { try trainer.prepare($0, .evaluation) }
    let progress = trainer.state.withLock { $0.progress }
    var reader = BatchReader(data, epoch: progress.epoch, from: progress.batch)
    defer { reader.cancel() }
    while let batch = try await reader.read() {
      try Task.checkCancellation()
      try train(batch, binding)
    }
    let sums = trainer.state.withLock { $0.progress.sums }
    let training = sums.measures(trainer.metrics)
    var evaluated: Measures?
    if let validation, let validationBinding { evaluated = try await trainer.evaluate(validation, validationBinding) }
    let observed = evaluated?.loss ?? training.loss
    let ended = trainer.state.withLock { run in
      run.progress.schedule.observe(observed, trainer.schedule)
      run.progress.epoch += 1
      run.progress.batch = 0
      run.progress.sums = MeasureSums()
      return run.progress
    }
    if let checkpoint { try trainer.save(to: checkpoint.url) }
    return Epoch(
      number: ended.epoch, training: training, validation: evaluated, learningRateFactor: factor(ended),
      step: ended.step,
      seconds: (clock.now - start) / .seconds(1))
  }

  /// The schedule's factor at the last step.
  private func factor(_ progress: TrainingState) -> Double {
    progress.schedule.factor(trainer.schedule, step: max(progress.step - 1, 0), epoch: max(progress.epoch - 1, 0))
  }

  private func train(_ batch: [Tensor], _ binding: DataBinding) throws {
    let results = try trainer.train(binding, batch)
    let samples = batch.first?.shape.first ?? 0
    let progress = trainer.state.withLock { run in
      run.progress.batch += 1
      run.progress.sums.add(results, samples: samples)
      return run.progress
    }
    if let checkpoint, let interval = checkpoint.interval, progress.batch.isMultiple(of: max(interval, 1)) {
      try trainer.save(to: checkpoint.url)
    }
    report?(
      StepReport(
        epoch: progress.epoch + 1, batch: progress.batch, batchCount: data.count, step: progress.step,
        loss: results.first ?? .nan, learningRateFactor: factor(progress), samples: samples))
  }
}
