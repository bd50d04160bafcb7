import ArgumentParser
import Foundation
import Graft

/// What `graft train` reads.
struct TrainDataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The samples: a .npz, .safetensors or .csv file, or a folder with a folder of images for each class.",
      valueName: "path"))
  var data: String

  @Option(help: ArgumentHelp("Samples that the model is evaluated on after each epoch.", valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp("The share of the samples that is kept for evaluation, drawn by the seed.", valueName: "share"))
  var holdout: Double = 0

  @Option(help: ArgumentHelp("The columns to use, in this order, by commas.", valueName: "names"))
  var columns: String?

  @Option(
    help: ArgumentHelp(
      "The column of a .csv file that is predicted; all others, or --columns, are the input.", valueName: "name"))
  var target: String?

  @Option(help: "The samples of a batch.")
  var batchSize = 32

  @Flag(help: "Keep the order of the samples.")
  var noShuffle = false

  func validate() throws {
    if batchSize < 1 { throw ValidationError("--batch-size must be at least 1") }
    if !(0..<1).contains(holdout) { throw ValidationError("--holdout must be from 0 to below 1") }
    if validation != nil, holdout > 0 { throw ValidationError("--validation and --holdout exclude each other") }
  }

  /// - Throws: ``Problem`` when a file cannot be read.
  func datasets(for model: Model, seed: UInt64) throws -> (training: Batches, validation: (any EvaluationData)?) {
    let kept: (any EvaluationData)? = try validation.map { try dataset($0, model) }
    return try split(dataset(data, model), kept, seed)
  }

  private func split(
    _ samples: some Dataset, _ kept: (any EvaluationData)?, _ seed: UInt64
  ) -> (training: Batches, validation: (any EvaluationData)?) {
    guard holdout > 0 else { return (batches(samples, seed), kept) }
    let (training, rest) = samples.split(1 - holdout, seed: seed)
    return (batches(training, seed), rest)
  }

  private func batches(_ dataset: some Dataset, _ seed: UInt64) -> Batches {
    let batches = dataset.batched(batchSize)
    return noShuffle ? batches : batches.shuffled(seed: seed)
  }

  private func dataset(_ path: String, _ model: Model) throws -> any Dataset {
    let url = URL(filePath: path)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      let extents = model.inputs.first?.shape.suffix(3).compactMap { Int($0) } ?? []
      guard extents.count == 3 else {
        throw ValidationError("\(model.name) takes no images of one size, and \(path) is a folder")
      }
      return try ImageFolder(url, height: extents[1], width: extents[2], channels: extents[0])
    }
    let names = columns.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
    if let target { return try TensorDataset(table: url, target: target, features: names) }
    return try TensorDataset(contentsOf: url, columns: names)
  }
}
