import Foundation
import GraftFiles
import GraftIR
import GraftNative
import Synchronization

/// Trains a model on the processor.
///
///     let trainer = try Trainer(model, loss: .crossEntropy, optimizer: .adamW(learningRate: 1e-3), metrics:
///     [.accuracy]) for try await epoch in trainer.fit(train.batched(64).shuffled(seed: 7), epochs: 5, validation:
///     test) { print(epoch.number, epoch.loss, epoch.validation?.accuracy ?? .nan)
///     }
///     try trainer.model.save(to: url)
///
/// Forward, loss, backward, update and metrics of a batch are one program. The trainer owns the parameters that change;
/// ``model`` has them as they are at that moment.
public final class Trainer: Sendable {
  public let loss: Loss
  public let optimizer: Optimizer
  public let schedule: Schedule
  public let metrics: [Metric]
  /// What dropout and other random numbers of the model are made of.
  public let seed: UInt64

  let programs: TrainingPrograms
  /// How far training has come; held while a batch runs and while variables are read or written.
  let state = Mutex(Run())

  struct Run {
    var progress = TrainingState()
    var lastCheckpoint: URL?
  }

  /// - Parameters:
  ///   - model: what is trained; its frozen parameters stay as they are.
  ///   - metrics: measured on training batches and validation data.
  ///   - rematerialization: the modules that are computed again on the way back.
  /// - Throws: ``Problem`` when no parameter is to be trained, or the optimiser's numbers cannot be.
  public init(
    _ model: Model, loss: Loss, optimizer: Optimizer, schedule: Schedule = .constant, metrics: [Metric] = [],
    seed: UInt64 = 0, rematerialize rematerialization: Rematerialization = .none
  ) throws {
    try optimizer.check()
    self.loss = loss
    self.optimizer = optimizer
    self.schedule = schedule
    self.metrics = metrics
    self.seed = seed
    programs = try Problem.wrap {
      try TrainingPrograms(
        TrainingGraph(
          model: model, loss: loss, metrics: metrics, optimizer: optimizer, rematerialization: rematerialization))
    }
  }

  /// The model with the weights and statistics as they are now.
  public var model: Model {
    get throws { try model { $0 } }
  }

  /// The model with the moving averages of its weights.
  ///
  /// - Throws: ``Problem`` when the optimiser keeps none.
  public var averagedModel: Model {
    get throws {
      guard optimizer.averaging != nil else {
        throw Problem(
          Diagnostic(
            .invalidInput, "the optimiser keeps no average", remedy: "Use `optimizer.averagingParameters(decay:)`."))
      }
      return try model { programs.store.paths.contains(Optimizer.averageName($0)) ? Optimizer.averageName($0) : $0 }
    }
  }

  private func model(_ variable: (String) -> String) throws -> Model {
    try Problem.wrap {
      try state.withLock { _ in
        var model = programs.graph.model
        let own = Set(model.function.arguments.compactMap(\.path))
        var tensors: [String: TensorData] = [:]
        for path in programs.store.paths where own.contains(path) {
          tensors[path] = try programs.store.tensor(variable(path))
        }
        model.change(tensors)
        return model
      }
    }
  }

  /// The optimiser's steps so far.
  public var step: Int { state.withLock { $0.progress.step } }

  /// The complete epochs so far.
  public var epoch: Int { state.withLock { $0.progress.epoch } }
}

// MARK: - One batch

extension Trainer {
  /// Trains on one batch.
  ///
  /// - Parameter batch: the model's inputs by their names, and the targets in the order in which the loss takes them.
  /// - Returns: the loss before the update, and the metrics.
  /// - Throws: ``Problem`` when the batch does not fit the model, and with the code `not-finite` when the loss is no
  ///   finite number; nothing has changed then.
  @discardableResult
  public func step(_ batch: KeyValuePairs<String, Tensor>) throws -> Measures { try step(Array(batch)) }

  /// Trains on one batch of the model's inputs by their names, and the targets, taken in the order of their names.
  ///
  /// - Returns: the loss before the update, and the metrics.
  /// - Throws: ``Problem`` as the other does.
  @discardableResult
  public func step(named batch: [String: Tensor]) throws -> Measures { try step(batch.sorted { $0.key < $1.key }) }

  private func step(_ batch: [(key: String, value: Tensor)]) throws -> Measures {
    let results = try train(DataBinding(batch, to: programs.graph.model), batch.map(\.value))
    var sums = MeasureSums()
    sums.add(results, samples: 1)
    return sums.measures(metrics)
  }

  /// The kernels of a step on a batch, with the median of the time that each took in some runs; nothing is trained by it.
  ///
  /// - Parameter batch: as of ``step(named:)``.
  /// - Throws: ``Problem`` as ``step(named:)`` does.
  public func profile(named batch: [String: Tensor], repetitions: Int = 5) throws -> Model.PlanSummary {
    let batch = batch.sorted { $0.key < $1.key }
    let binding = try DataBinding(batch, to: programs.graph.model)
    return try Problem.wrap {
      try state.withLock { run in
        let step = try preparedStep(run, binding, batch.map(\.value))
        let kept = try programs.store.paths.compactMap { path in try programs.store.tensor(path).map { (path, $0) } }
        defer { for (path, tensor) in kept { try? programs.store.replace(path, by: tensor) } }
        do {
          return try Model.PlanSummary(timing: step.program, step.inputs, seed: step.seed, repetitions: repetitions)
        } catch is NonFiniteResult {
          throw notFinite(run, binding, step)
        }
      }
    }
  }

  /// A batch made ready.
  private struct PreparedStep {
    let program: NativeProgram
    /// The model's inputs and the targets.
    let arguments: [TensorData]
    /// The numbers that belong to the step.
    let numbers: [TensorData]
    let samples: Int
    let seed: UInt64
    let takesStep: Bool

    var inputs: [TensorData] { arguments + numbers }
  }

  private func preparedStep(_ run: Run, _ binding: DataBinding, _ batch: [Tensor]) throws -> PreparedStep {
    let progress = run.progress
    let takesStep = progress.accumulated + 1 >= optimizer.accumulation
    let samples = batch.first?.shape.first ?? 0
    let program = try programs.program(takesStep ? .step : .accumulation, binding, samples: samples)
    let factor = progress.schedule.factor(schedule, step: progress.step, epoch: progress.epoch)
    let numbers = try [Double(progress.step + 1), factor].map { try TensorData(shape: [], elements: [$0]) }
    var random = CounterRandom(seed: seed).split(UInt64(bitPattern: Int64(progress.batchesSeen)))
    return PreparedStep(
      program: program, arguments: try binding.arguments(batch).map(\.data), numbers: numbers, samples: samples,
      seed: random.next(), takesStep: takesStep)
  }

  /// Trains on one batch; the loss, then the sum and count of each metric.
  @discardableResult
  func train(_ binding: DataBinding, _ batch: [Tensor]) throws -> [Double] {
    try Problem.wrap {
      try state.withLock { run in
        let step = try preparedStep(run, binding, batch)
        let results: [Double]
        do {
          results = try step.program.run(step.inputs, seed: step.seed).map { $0.doubles().first ?? .nan }
        } catch is NonFiniteResult {
          throw notFinite(run, binding, step)
        }
        run.progress.accumulated = step.takesStep ? 0 : run.progress.accumulated + 1
        run.progress.step += step.takesStep ? 1 : 0
        run.progress.batchesSeen += 1
        return results
      }
    }
  }

  private func notFinite(_ run: Run, _ binding: DataBinding, _ step: PreparedStep) -> Problem {
    let origin = try? programs.firstFault(binding, step.arguments, samples: step.samples, seed: step.seed)
    let progress = run.progress
    var details: [String] = []
    if let origin, let module = origin.modules.last {
      let place = origin.location.map { " at \($0)" } ?? ""
      details.append("the first values that are not finite come from `\(module.path)` (\(module.className))\(place)")
    } else if origin != nil {
      details.append("the first values that are not finite come from the loss, or from code outside of modules")
    }
    details.append(
      run.lastCheckpoint.map { "the last checkpoint is \($0.path)" } ?? "no checkpoint has been saved")
    return Problem(
      kind: .failed, code: "not-finite",
      message:
        "the loss of batch \(progress.batch + 1) in epoch \(progress.epoch + 1) is not finite, after \(progress.step) steps",
      details: details, remedy: "Lower the learning rate, clip the gradients, or look at the batch.")
  }
}
