public import Foundation
import GraftFiles
import GraftIR
import GraftNative

/// What the metadata of a checkpoint says beside its tensors.
private struct CheckpointDocument: Codable {
  var model: String
  var optimizer: String
  var hyperparameters: [String: Double]
  var seed: UInt64
  var progress: TrainingState
}

extension Trainer {
  private static let format = "graft.checkpoint"
  private static let version = "1"

  /// Saves all that training needs to go on bit by bit as if it had not been interrupted: trained parameters,
  /// statistics, the optimiser's state, the schedule's, and the place in the data and in the sequence of random
  /// numbers.
  ///
  /// A safetensors file, which replaces an existing one when it is complete on disk: whenever the process or the
  /// machine ends, there is the old checkpoint or the new one.
  ///
  /// - Throws: ``Problem`` when it cannot be written.
  public func save(to url: URL) throws {
    try Problem.wrap {
      try state.withLock { run in
        let document = CheckpointDocument(
          model: programs.graph.model.name, optimizer: optimizer.rule.name,
          hyperparameters: optimizer.rule.hyperparameters, seed: seed, progress: run.progress)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let metadata = [
          (key: "format", value: Self.format), (key: "version", value: Self.version),
          (key: "training", value: String(decoding: try encoder.encode(document), as: UTF8.self)),
        ]
        let entries = try programs.store.paths.compactMap { path in
          try programs.store.tensor(path).map { SafetensorsWriter.Entry(name: checkpointName(path), $0) }
        }
        try SafetensorsWriter(entries, metadata: metadata).write(to: url.path)
        run.lastCheckpoint = url
      }
    }
  }

  /// Goes back to a checkpoint of a trainer that was made in the same way.
  ///
  /// - Throws: ``Problem`` when the file is damaged or of another model, optimiser or seed; nothing has changed then.
  public func restore(from url: URL) throws {
    try Problem.wrap {
      let file = try SafetensorsFile(path: url.path)
      guard file.metadata("format") == Self.format, file.metadata("version") == Self.version,
        let text = file.metadata("training"),
        let document = try? JSONDecoder().decode(CheckpointDocument.self, from: Data(text.utf8))
      else {
        throw Diagnostic(
          .invalidInput, "\(url.path) is not a checkpoint of this version of Graft",
          remedy: "`trainer.save(to:)` writes one.")
      }
      try check(document, url)
      let tensors = try programs.store.paths.map { path in
        guard let entry = file.entry(named: checkpointName(path)),
          programs.store.type(path) == TensorType(entry.dtype, entry.shape.map { Dim($0) })
        else {
          throw Diagnostic(
            .invalidInput, "\(url.path) lacks `\(checkpointName(path))`, or has it in another type or shape",
            remedy: "Freeze the same parameters and use the same optimiser as when it was saved.")
        }
        return (path, try file.tensor(named: entry.name))
      }
      try state.withLock { run in
        for (path, tensor) in tensors { try programs.store.replace(path, by: tensor) }
        run.progress = document.progress
        run.lastCheckpoint = url
      }
    }
  }

  private func check(_ document: CheckpointDocument, _ url: URL) throws {
    func differs(_ what: String, _ saved: String, _ own: String) -> Diagnostic {
      Diagnostic(.invalidInput, "\(url.path) was saved with the \(what) \(saved), and this trainer has \(own)")
    }
    let model = programs.graph.model.name
    if document.model != model { throw differs("model", document.model, model) }
    if document.optimizer != optimizer.rule.name {
      throw differs("optimiser", document.optimizer, optimizer.rule.name)
    }
    for (name, value) in optimizer.rule.hyperparameters.sorted(by: { $0.key < $1.key })
    where document.hyperparameters[name] != value {
      throw differs(name, document.hyperparameters[name].map { "\($0)" } ?? "missing", "\(value)")
    }
    if document.seed != seed { throw differs("seed", "\(document.seed)", "\(seed)") }
    let progress = document.progress
    let counts = [
      progress.epoch, progress.batch, progress.step, progress.accumulated, progress.batchesSeen, progress.sums.samples,
    ]
    guard counts.allSatisfy({ $0 >= 0 && $0 < 1 << 53 }), progress.schedule.isPossible else {
      throw Diagnostic(.invalidInput, "\(url.path) has impossible counters")
    }
  }

  /// `parameter.PATH`, `state.PATH`, or the name of the optimiser's variable.
  private func checkpointName(_ path: String) -> String {
    for argument in programs.graph.model.function.arguments where argument.path == path {
      if case .parameter = argument.role { return "parameter.\(path)" }
      if case .state = argument.role { return "state.\(path)" }
    }
    return path
  }
}
