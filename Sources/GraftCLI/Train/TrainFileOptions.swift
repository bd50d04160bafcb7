import ArgumentParser
import Foundation
import Graft

/// What `graft train` writes.
struct TrainFileOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("The .graft package with the trained weights.", valueName: "file"))
  var output: String

  @Option(help: ArgumentHelp("Where checkpoints are saved, after each epoch.", valueName: "file"))
  var checkpoint: String?

  @Option(help: ArgumentHelp("Save a checkpoint after so many batches, too.", valueName: "batches"))
  var checkpointEvery: Int?

  @Flag(help: "Go on from the checkpoint.")
  var resume = false

  @Option(help: ArgumentHelp("Write a line for each epoch to this .csv or .json file.", valueName: "file"))
  var log: String?

  @Option(help: ArgumentHelp("Draw the losses to this .svg file.", valueName: "file"))
  var plot: String?

  func validate() throws {
    if checkpoint == nil, resume || checkpointEvery != nil {
      throw ValidationError("--resume and --checkpoint-every need --checkpoint")
    }
    if let checkpointEvery, checkpointEvery < 1 { throw ValidationError("--checkpoint-every must be at least 1") }
    for (path, kinds) in [(log, ["csv", "json"]), (plot, ["svg"]), (output, ["graft"])] {
      guard let path, !kinds.contains(URL(filePath: path).pathExtension.lowercased()) else { continue }
      throw ValidationError("\(path) must end in \(kinds.map { "." + $0 }.joined(separator: " or "))")
    }
  }

  var policy: CheckpointPolicy? {
    checkpoint.map { CheckpointPolicy(URL(filePath: $0), everyBatches: checkpointEvery) }
  }

  /// - Throws: what the file system says.
  func write(_ recorded: TrainingLog) throws {
    if let log {
      let isTable = URL(filePath: log).pathExtension.lowercased() == "csv"
      try write(isTable ? recorded.csv : try recorded.json(), to: log)
    }
    if let plot { try write(recorded.curve.svg, to: plot) }
  }

  private func write(_ text: String, to path: String) throws {
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw Problem(error)
    }
  }
}
