import GraftIR
import GraftOps
import OrderedCollections

/// What training makes small: a scalar of a model's outputs and the targets.
///
///     let custom = Loss { prediction, target in try (prediction - target).squared().mean() }
public struct Loss: Sendable {
  /// How the terms of a loss become its value.
  public enum Reduction: String, Sendable, Hashable {
    case mean, sum
    /// All terms, for programs of one's own; training needs a scalar.
    case none
  }

  /// The name in logs.
  public let name: String
  let build: @Sendable (LossArguments) throws -> GraphTensor

  /// A loss of any outputs and targets.
  ///
  /// - Parameter formula: the loss, a scalar of a floating type.
  public init(named name: String, _ formula: @escaping @Sendable (LossArguments) throws -> GraphTensor) {
    self.name = name
    build = formula
  }

  /// A loss of the first output and the first target.
  public init(
    named name: String = "loss",
    _ formula: @escaping @Sendable (_ output: GraphTensor, _ target: GraphTensor) throws -> GraphTensor
  ) {
    self.init(named: name) { try formula($0.output, $0.target) }
  }

  /// An op of the first output and the first target, which takes the output's type where it is floating.
  init(
    _ definition: OpDefinition, _ reduction: Reduction, _ attributes: OrderedDictionary<String, Attribute> = [:],
    weights: Tensor?...
  ) {
    let weights = weights
    self.init(named: definition.name) { output, target in
      var operands = [target.isNumber || !target.dtype.isFloating ? target : try target.converted(to: output.dtype)]
      for weight in weights {
        operands.append(try .optional(weight?.converted(to: output.dtype), in: output))
      }
      return try output.applying(definition, operands, attributes.merging(["reduction": reduction.attribute]) { $1 })
    }
  }
}

extension Loss.Reduction {
  var attribute: Attribute { .string(rawValue) }

  /// Terms reduced.
  func applied(to terms: GraphTensor) throws -> GraphTensor {
    switch self {
    case .mean: try terms.mean()
    case .sum: try terms.sum()
    case .none: terms
    }
  }
}

extension GraphTensor {
  /// A constant, or an operand that is left out.
  static func optional(_ tensor: Tensor?, in other: GraphTensor) throws -> GraphTensor {
    guard let builder = other.builder else { throw Problem.missing("the program of a constant") }
    return try tensor.map { try constant($0, in: other) } ?? GraphTensor(builder, .absent)
  }
}
