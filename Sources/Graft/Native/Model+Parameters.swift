public import GraftIR
import Foundation
import GraftFiles
import GraftOps

extension Model {
  /// A weight.
  public struct Parameter: Sendable, Hashable {
    /// Where it stands in the model, such as `layer1.0.conv1.weight`.
    public var path: String
    public var dtype: DType
    public var shape: [Int]
    /// Whether training changes it.
    public var isTrainable: Bool
  }

  /// The weights, in the model's order; a tied one once.
  public var parameters: [Parameter] {
    function.arguments.compactMap { argument in
      guard case .parameter(let path, let trainable, _) = argument.role else { return nil }
      let type = function.type(of: argument.value)
      return Parameter(
        path: path, dtype: type.dtype, shape: type.shape.compactMap(\.knownValue),
        isTrainable: trainable && type.dtype.isFloating && !frozen.contains(path))
    }
  }

  /// A weight or buffer as it is now.
  ///
  /// - Throws: ``Problem`` when there is none of the path.
  public func tensor(at path: String) throws -> Tensor {
    guard let argument = argument(path), let data = try Problem.wrap({ try weight(argument.role) }) else {
      throw unknown(path)
    }
    return Tensor(data)
  }

  /// Gives weights or buffers new elements.
  ///
  /// - Throws: ``Problem`` for a path that does not exist, and a tensor of another type or shape; the model is then as
  ///   before.
  public mutating func replace(_ tensors: [String: Tensor]) throws {
    for (path, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let argument = argument(path) else { throw unknown(path) }
      let type = function.type(of: argument.value)
      guard tensor.dtype == type.dtype, tensor.shape.map({ Dim($0) }) == type.shape else {
        throw Problem(
          Diagnostic(.invalidInput, "`\(path)` is a \(type), and cannot become \(tensor.dtype.rawValue)\(tensor.shape)")
        )
      }
    }
    change(tensors.mapValues(\.data))
  }

  /// Has training leave the parameters of some paths as they are. No gradients are computed for them.
  public mutating func freeze(_ isFrozen: (_ path: String) -> Bool) {
    frozen.formUnion(parameters.map(\.path).filter(isFrozen))
  }

  /// Has training change the parameters of some paths again.
  public mutating func unfreeze(_ isTrained: (_ path: String) -> Bool) {
    frozen = frozen.filter { !isTrained($0) }
  }

  /// What parameters begin with.
  public enum Initializer: Sendable, Hashable {
    /// What PyTorch's layers begin with: uniform numbers within one over the root of the number of inputs for weights
    /// of two and more axes and the biases beside them (He et al., 2015, with a slope of the root of 5), ones for
    /// weights of one axis, zeros for biases beside these.
    case standard
    case constant(Double)
    /// Numbers of a normal distribution around zero.
    case normal(standardDeviation: Double)
    /// Numbers from `-bound` to `bound`.
    case uniform(bound: Double)
  }

  /// Gives parameters new elements, the same for the same seed and path.
  ///
  /// - Parameter paths: paths of parameters, or of modules, for all their parameters.
  /// - Throws: ``Problem`` for a path that is neither.
  public mutating func reinitialize(
    _ paths: String..., initializer: Initializer = .standard, seed: UInt64 = 0
  ) throws {
    var tensors: [String: TensorData] = [:]
    for path in paths {
      let matches = parameters.filter { $0.path == path || $0.path.hasPrefix(path + ".") }
      if matches.isEmpty { throw unknown(path) }
      for parameter in matches {
        var random = CounterRandom(seed: seed).split(parameter.path.stableHash)
        tensors[parameter.path] = try Problem.wrap { try initial(parameter, initializer, &random) }
      }
    }
    change(tensors)
  }

  private func initial(
    _ parameter: Parameter, _ initializer: Initializer, _ random: inout CounterRandom
  ) throws -> TensorData {
    let next: (inout CounterRandom) -> Double =
      switch initializer {
      case .constant(let value): { _ in value }
      case .normal(let deviation): { $0.nextNormal() * deviation }
      case .uniform(let bound): { ($0.nextUnit() * 2 - 1) * bound }
      case .standard: standard(parameter)
      }
    let numbers = (0..<parameter.shape.reduce(1, *)).map { _ in next(&random) }
    return try TensorData(shape: parameter.shape, elements: numbers).converted(to: parameter.dtype)
  }

  private func standard(_ parameter: Parameter) -> (inout CounterRandom) -> Double {
    let owner = parameter.path.split(separator: ".").dropLast().joined(separator: ".")
    let isBias = parameter.path.hasSuffix("bias")
    let weight = isBias ? parameters.first { $0.path == (owner.isEmpty ? "weight" : owner + ".weight") } : parameter
    guard let weight, weight.shape.count > 1 else { return { _ in isBias ? 0 : 1 } }
    let bound = 1 / Double(max(weight.shape.dropFirst().reduce(1, *), 1)).squareRoot()
    return { ($0.nextUnit() * 2 - 1) * bound }
  }

  private func argument(_ path: String) -> Argument? {
    function.arguments.first { argument in
      switch argument.role {
      case .parameter(let own, _, let aliases): own == path || aliases.contains(path)
      case .state(let own, _): own == path
      case .constant, .input, .key: false
      }
    }
  }

  private func unknown(_ path: String) -> Problem {
    let near = parameters.map(\.path).filter { $0.hasPrefix(path.prefix(3)) }.prefix(5)
    return Problem(
      Diagnostic(
        .invalidInput, "\(name) has no parameter `\(path)`",
        remedy: near.isEmpty ? "`parameters` lists the paths." : "There are \(near.joined(separator: ", "))."))
  }
}

extension String {
  /// A number that depends on the text alone (FNV-1a).
  var stableHash: UInt64 { utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}
