import GraftIR
import GraftOps

/// What a loss or metric is computed from: the model's outputs, and the targets of the batch.
public struct LossArguments {
  /// The outputs in the model's order.
  public let outputs: [(name: String, tensor: GraphTensor)]
  /// The columns of the dataset that are no inputs of the model, in the dataset's order.
  public let targets: [(name: String, tensor: GraphTensor)]

  /// The first output.
  ///
  /// - Throws: ``Problem`` for a model without outputs.
  public var output: GraphTensor { get throws { try output(0) } }

  /// The first target.
  ///
  /// - Throws: ``Problem`` when the dataset has no column that is not an input.
  public var target: GraphTensor { get throws { try target(0) } }

  public func output(_ index: Int) throws -> GraphTensor { try tensor(outputs, index, "output of the model") }

  public func target(_ index: Int) throws -> GraphTensor { try tensor(targets, index, "target in the data") }

  public func output(_ name: String) throws -> GraphTensor { try tensor(outputs, name, "output of the model") }

  public func target(_ name: String) throws -> GraphTensor { try tensor(targets, name, "target in the data") }

  private func tensor(
    _ tensors: [(name: String, tensor: GraphTensor)], _ index: Int, _ what: String
  ) throws -> GraphTensor {
    guard let found = tensors[safe: index] else {
      throw Problem(
        Diagnostic(.invalidInput, "the loss needs \(index + 1) of: \(what); there are \(tensors.count)"))
    }
    return found.tensor
  }

  private func tensor(
    _ tensors: [(name: String, tensor: GraphTensor)], _ name: String, _ what: String
  ) throws -> GraphTensor {
    guard let found = tensors.first(where: { $0.name == name }) else {
      let known = tensors.map { "`\($0.name)`" }.joined(separator: ", ")
      throw Problem(Diagnostic(.invalidInput, "there is no \(what) called `\(name)`", remedy: "There are \(known)."))
    }
    return found.tensor
  }
}

extension GraphTensor {
  /// A tensor whose elements stand in the program, in the program of `other`.
  static func constant(_ tensor: Tensor, in other: GraphTensor) throws -> GraphTensor {
    guard let builder = other.builder else { throw Problem.missing("the program of a constant") }
    return try Problem.wrap {
      let scalars: [Scalar] =
        tensor.dtype.isFloating
        ? tensor.data.doubles().map { .float($0) } : tensor.data.doubles().map { .int(Int($0)) }
      guard let literal = TensorLiteral(dtype: tensor.dtype, shape: tensor.shape, elements: scalars) else {
        throw Diagnostic(.internalError, "a tensor is not of its own shape")
      }
      return GraphTensor(builder, try builder(.constant, attributes: ["value": .literal(literal)]))
    }
  }
}
