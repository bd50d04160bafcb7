public import Foundation
import GraftFiles
public import GraftIR
import GraftNative
import GraftOps

/// A converted model, which runs in this process without Python.
///
///     let model = try Model(contentsOf: URL(filePath: "out/resnet18.graft"))
///     let scores = try model(images)
///     let outputs = try model(["input_ids": ids, "attention_mask": mask])
///
/// It may be called from any number of tasks at once. The first call with tensors of other shapes than before plans the
/// computation for them.
public struct Model: Sendable {
  /// A tensor that the model takes or returns.
  public struct Port: Sendable, Hashable {
    public var name: String
    public var dtype: DType
    /// The extents: numbers, dynamic dimensions and expressions of them, as in `N`, `3`, `2 * T`.
    public var shape: [String]
  }

  /// The model's name, such as `resnet18`.
  public let name: String
  public let inputs: [Port]
  public let outputs: [Port]

  let package: GraftPackage
  /// The parameters and state that are not as in the package, by path.
  private(set) var changed: [String: TensorData] = [:]
  /// The paths of parameters that training leaves as they are.
  var frozen: Set<String> = []
  /// Whether calls run the model as in training: dropout draws by the seed, and batch normalisation takes the batch's
  /// statistics. What becomes of the statistics is kept by ``Trainer`` alone.
  public private(set) var training = false
  private(set) var program: NativeProgram
  let pool: ThreadPool

  /// Opens a `.graft` package, whose weights are used where the file is mapped, or the folder that `graft transpile`
  /// wrote.
  ///
  /// - Parameter threads: how many threads work on one call; as many as the processor has unless given.
  /// - Throws: ``Problem`` when there is no package, it is damaged, or an op has no native kernel.
  public init(contentsOf url: URL, threads: Int? = nil) throws {
    self = try Problem.wrap {
      let package = try GraftPackage(contentsOf: PackageLocation(url).package)
      return try Model(package, threads: threads)
    }
  }

  private init(_ package: GraftPackage, threads: Int?) throws {
    try OpCatalogue.verify(package.function)
    self.package = package
    let function = package.function
    name = function.name
    let leaves = function.inputLeaves.sorted { $0.key < $1.key }
    inputs = leaves.map { leaf, value in
      Port(function.inputNames[safe: leaf] ?? "input_\(leaf)", function.type(of: value))
    }
    let names = function.outputs.leafNames
    outputs = function.body.results.enumerated().compactMap { index, result in
      result.asValue.map { Port(names[index] ?? "output_\(index)", function.type(of: $0)) }
    }
    pool = threads.map { ThreadPool(width: $0) } ?? .machine
    program = try NativeProgram(function, kernels: .ofThisProcess(), pool: pool) { try package.tensor($0.role) }
  }
}

extension Model {
  /// The program, in the IR.
  var function: GraftIR.Function { package.function }

  /// The tensor of a parameter, buffer or constant.
  func weight(_ role: Argument.Role) throws -> TensorData? {
    switch role {
    case .parameter(let path, _, _), .state(let path, _): try changed[path] ?? package.tensor(role)
    case .constant, .input, .key: try package.tensor(role)
    }
  }

  /// Gives parameters and state new elements; of the types that they have.
  mutating func change(_ tensors: [String: TensorData]) {
    changed.merge(tensors) { $1 }
    program = NativeProgram(program, weights: weights)
  }

  /// Has calls run the model as in training, or as in inference.
  ///
  /// - Throws: ``Problem`` when an op of the mode has no native kernel.
  public mutating func train(_ isTraining: Bool = true) throws {
    guard isTraining != training else { return }
    program = try Problem.wrap {
      try NativeProgram(function, kernels: .ofThisProcess(), pool: pool, isTraining: isTraining, weights: weights)
    }
    training = isTraining
  }

  /// The tensors of arguments as they are now.
  private var weights: @Sendable (Argument) throws -> TensorData? {
    let (package, changed) = (package, changed)
    return { argument in
      switch argument.role {
      case .parameter(let path, _, _), .state(let path, _): try changed[path] ?? package.tensor(argument.role)
      case .constant, .input, .key: try package.tensor(argument.role)
      }
    }
  }
}

extension Model.Port {
  fileprivate init(_ name: String, _ type: TensorType) {
    self.init(name: name, dtype: type.dtype, shape: type.shape.map(\.description))
  }
}

// MARK: - Calling

extension Model {
  /// The outputs by name for inputs by name.
  ///
  /// - Parameter seed: what the model's random numbers are made of, if it draws any; the same seed gives the same
  ///   numbers on every machine.
  /// - Throws: ``Problem`` for an input that is missing, unknown, or of another type or shape than the model takes, and
  ///   for data that it cannot take, such as an index out of range.
  public func callAsFunction(_ inputs: [String: Tensor], seed: UInt64 = 0) throws -> [String: Tensor] {
    let results = try run(ordered(inputs), seed: seed)
    return Dictionary(zip(outputs.map(\.name), results), uniquingKeysWith: { first, _ in first })
  }

  /// The inputs in the model's order.
  ///
  /// - Throws: ``Problem`` for one that is missing or unknown.
  func ordered(_ inputs: [String: Tensor]) throws -> [Tensor] {
    if let unknown = inputs.keys.sorted().first(where: { name in !self.inputs.contains { $0.name == name } }) {
      throw Problem(Diagnostic(.invalidInput, "\(name) has no input `\(unknown)`", remedy: "It takes \(inputList)."))
    }
    return try self.inputs.map { port in
      guard let tensor = inputs[port.name] else {
        throw Problem(
          Diagnostic(.invalidInput, "the input `\(port.name)` is missing", remedy: "\(name) takes \(inputList)."))
      }
      return tensor
    }
  }

  /// The only output for the only input.
  ///
  /// - Throws: ``Problem`` for a model of several inputs or outputs, and as the other call does.
  public func callAsFunction(_ input: Tensor, seed: UInt64 = 0) throws -> Tensor {
    guard inputs.count == 1, outputs.count == 1 else {
      throw Problem(
        Diagnostic(
          .invalidInput, "\(name) has \(inputs.count) inputs and \(outputs.count) outputs",
          remedy: "Pass the inputs by name: it takes \(inputList)."))
    }
    return try run([input], seed: seed)[0]
  }

  private func run(_ tensors: [Tensor], seed: UInt64) throws -> [Tensor] {
    try Problem.wrap { try program.run(tensors.map(\.data), seed: seed).map(Tensor.init) }
  }

  private var inputList: String {
    inputs.map { "`\($0.name)` \($0.dtype.shortName)[\($0.shape.joined(separator: ","))]" }.joined(separator: ", ")
  }
}

extension NativeKernelSet {
  /// The kernels that the processor has or the environment asks for.
  static func ofThisProcess() throws -> NativeKernelSet {
    NativeKernelSet(try KernelPath.choose(environment: ProcessInfo.processInfo.environment))
  }
}
