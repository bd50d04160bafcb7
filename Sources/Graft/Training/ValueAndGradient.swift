public import Foundation
import GraftFiles
import GraftIR
import GraftNative
import GraftOps
import GraftTransform

/// A converted model with the gradient of one of its outputs, computed in one pass forward and one back.
///
///     let sensitivity = try ValueAndGradient(contentsOf: url, of: "logits", withRespectTo: ["image"])
///     let (outputs, gradients) = try sensitivity(["image": image])
///     let saliency = gradients["image"]
///
/// Only what lies between the tensors asked for and the output is gone back over. It may be called from any number of tasks
/// at once.
public struct ValueAndGradient: Sendable {
  /// The inputs by their names and the parameters by their paths, such as `layer1.0.conv1.weight`, that have a gradient.
  public let variables: [String]

  private let inputNames: [String]
  private let outputNames: [String]
  private let program: NativeProgram

  /// Opens a `.graft` package, or the folder that `graft transpile` wrote.
  ///
  /// - Parameters:
  ///   - output: the name of the output to differentiate, the first unless given; of one that is no scalar, the sum of the
  ///     elements.
  ///   - variables: the names of inputs and the paths of parameters; all parameters unless given.
  ///   - isTraining: whether the model drops, draws and takes statistics as in training.
  /// - Throws: ``Problem`` when there is no package, a name is unknown, or an op between has no gradient or no kernel.
  public init(
    contentsOf url: URL, of output: String? = nil, withRespectTo variables: [String]? = nil, isTraining: Bool = false,
    threads: Int? = nil
  ) throws {
    self = try Problem.wrap {
      let package = try GraftPackage(contentsOf: PackageLocation(url).package)
      try OpCatalogue.verify(package.function)
      return try Self(package, output, variables, isTraining: isTraining, threads: threads)
    }
  }

  private init(
    _ package: GraftPackage, _ output: String?, _ names: [String]?, isTraining: Bool, threads: Int?
  ) throws {
    let function = package.function
    let leaves = function.outputs.leafNames
    let outputNames = function.body.results.indices.map { leaves[$0] ?? "output_\($0)" }
    guard let result = output.map({ outputNames.firstIndex(of: $0) }) ?? (outputNames.isEmpty ? nil : 0) else {
      let list = outputNames.joined(separator: ", ")
      throw Diagnostic(
        .invalidInput, "\(function.name) has no output `\(output ?? "")`", remedy: "Its outputs are: \(list).")
    }
    let byName = Dictionary(
      function.arguments.map { (Differentiation.name(of: $0.value, in: function), $0.value) },
      uniquingKeysWith: { first, _ in first })
    let variables = names ?? function.parameterPaths
    let values = try variables.map { name in
      guard let value = byName[name] else {
        throw Diagnostic(.invalidInput, "\(function.name) has no input or parameter `\(name)`")
      }
      return value
    }
    (self.variables, self.outputNames) = (variables, outputNames)
    let derived = try Differentiation.gradient(
      ofSum: result, of: function, withRespectTo: values, isTraining: isTraining)
    inputNames = function.inputNames
    let path = try KernelPath.choose(environment: ProcessInfo.processInfo.environment)
    program = try NativeProgram(
      derived, kernels: NativeKernelSet(path), pool: threads.map { ThreadPool(width: $0) } ?? .machine,
      isTraining: isTraining
    ) { try package.tensor($0.role) }
  }

  /// The outputs, and the gradients by the names of ``variables``.
  ///
  /// - Parameter seed: what the model's random numbers are made of, if it draws any.
  /// - Throws: ``Problem`` for an input that is missing, unknown, or of another type or shape than the model takes.
  public func callAsFunction(
    _ inputs: [String: Tensor], seed: UInt64 = 0
  ) throws -> (outputs: [String: Tensor], gradients: [String: Tensor]) {
    try Problem.wrap {
      let results = try program.run(ordered(inputs), seed: seed).map(Tensor.init)
      let outputs = zip(outputNames, results)
      let gradients = zip(variables, results.dropFirst(outputNames.count))
      return (
        Dictionary(outputs, uniquingKeysWith: { first, _ in first }),
        Dictionary(gradients, uniquingKeysWith: { first, _ in first })
      )
    }
  }

  /// The plan of a call with the time that each kernel took, the median of several calls.
  ///
  /// - Throws: as a call does.
  public func profile(_ inputs: [String: Tensor], repetitions: Int = 11) throws -> Model.PlanSummary {
    try Problem.wrap { try Model.PlanSummary(timing: program, ordered(inputs), repetitions: repetitions) }
  }

  private func ordered(_ inputs: [String: Tensor]) throws -> [TensorData] {
    if let unknown = inputs.keys.sorted().first(where: { !inputNames.contains($0) }) {
      throw Diagnostic(.invalidInput, "there is no input `\(unknown)`")
    }
    return try inputNames.map { name in
      guard let tensor = inputs[name] else { throw Diagnostic(.invalidInput, "the input `\(name)` is missing") }
      return tensor.data
    }
  }
}
