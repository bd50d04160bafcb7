import ArgumentParser
import Foundation
import Graft

/// Which package is called, with what.
struct ModelCallOptions: ParsableArguments {
  @Argument(
    help: "A .graft file, or a folder that `graft transpile` wrote.", completion: .file(extensions: ["graft"]))
  var package: String

  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "A .npz or .safetensors file with the inputs, or one input: NAME=FILE.npy or NAME=random[DIMS][:LIMIT]. Repeatable.",
      valueName: "input"))
  var inputs: [ModelInputOption] = []

  @Option(help: "How many threads work; as many as the processor has by default.")
  var threads: Int?

  @Option(help: "The seed of random inputs and of what the model draws.")
  var seed: UInt64 = 0

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  /// - Throws: ``Problem`` when the package cannot be opened.
  func model() throws -> Model { try Model(contentsOf: URL(filePath: package), threads: threads) }

  /// The inputs that the options name.
  ///
  /// - Throws: ``Problem`` when a file cannot be read, or a name is no input's.
  func tensors(for model: Model) throws -> [String: Tensor] {
    try ModelInputs(inputs, seed: seed).tensors(for: model)
  }
}
