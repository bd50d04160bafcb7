import ArgumentParser
import Foundation
import Graft

/// `graft run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a converted model natively: no Python, no framework.",
    discussion: """
      Prints the outputs, or writes them to a file. Inputs are given by name, as a file or as random numbers; a single
      file may hold them all, each under its name.

      EXAMPLES
        graft run out/minilm.graft --input ids.npz -o y.npz
        graft run out/resnet18.graft --input x=image.npy
        graft run out/resnet18.graft --input 'x=random[8,3,224,224]' --seed 7
        graft run out/gpt2.graft --input 'input_ids=random[1,128]:1000' --threads 1

      GRAFT_CPU=avx512, avx2 or baseline chooses the kernels; by default the best that the processor has.

      Exit codes: 0 done; 1 the package or an input cannot be read; 2 an input does not fit; 3 the model has an op
      without a native kernel.
      """)

  @OptionGroup var call: ModelCallOptions

  @Option(name: .shortAndLong, help: "Write the outputs to this .npz or .safetensors file instead of printing them.")
  var output: String?

  @Flag(
    help: "Print what was computed as JSON: name, type and shape of each output, and the elements unless -o is given.")
  var json = false

  func run() async throws {
    let model = try call.model()
    let tensors = try call.tensors(for: model)
    let outputs = try model(tensors, seed: call.seed)
    if let output { try TensorFile(URL(filePath: output)).write(outputs, order: model.outputs.map(\.name)) }
    if json {
      try printJSON(outputs, of: model)
    } else if output == nil {
      for port in model.outputs {
        guard let tensor = outputs[port.name] else { continue }
        Console.output("\(port.name): \(tensor)")
      }
    }
  }

  private func printJSON(_ outputs: [String: Tensor], of model: Model) throws {
    let reports = try model.outputs.compactMap { port in
      try outputs[port.name].map { try OutputReport(port.name, $0, withElements: output == nil) }
    }
    Console.output(try JSONText.encode(reports))
  }
}

/// One output as JSON.
private struct OutputReport: Encodable {
  var name: String
  var dtype: String
  var shape: [Int]
  /// In row-major order, whole numbers as such; infinities and NaN are null.
  var elements: [Double?]?

  init(_ name: String, _ tensor: Tensor, withElements: Bool) throws {
    self.name = name
    dtype = tensor.dtype.rawValue
    shape = tensor.shape
    guard withElements else { return }
    elements = try tensor.converted(to: .float64).elements(of: Double.self).map { $0.isFinite ? $0 : nil }
  }
}
