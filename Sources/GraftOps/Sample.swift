package import GraftIR
package import OrderedCollections

/// One set of arguments on which an op is tested on every backend.
package struct Sample: Sendable {
  /// How an operand's elements are drawn.
  package enum Fill: Sendable, Hashable {
    case normal
    case uniform(Double, Double)
    /// Integers from the first up to, not including, the second.
    case integers(Int, Int)
    /// Distinct integers from zero, in random order.
    case permutation
    /// Symmetric and positive definite in the last two axes.
    case positiveDefinite
  }

  package enum Argument: Sendable, Hashable {
    case tensor(TensorLiteralType, Fill)
    case scalar(Scalar)
    case absent
    case list([Argument])
  }

  /// A dtype and a shape that is known.
  package struct TensorLiteralType: Sendable, Hashable {
    package var dtype: DType
    package var shape: [Int]
  }

  package var operands: [Argument]
  package var attributes: OrderedDictionary<String, Attribute>

  package init(_ operands: Argument..., attributes: OrderedDictionary<String, Attribute> = [:]) {
    self.operands = operands
    self.attributes = attributes
  }
}

extension Sample.Argument {
  /// A float32 tensor of standard normal numbers.
  package static func normal(_ shape: Int...) -> Self { .tensor(.init(dtype: .float32, shape: shape), .normal) }

  package static func uniform(_ low: Double, _ high: Double, _ shape: Int...) -> Self {
    .tensor(.init(dtype: .float32, shape: shape), .uniform(low, high))
  }

  /// An int32 tensor.
  package static func integers(_ low: Int, _ high: Int, _ shape: Int...) -> Self {
    .tensor(.init(dtype: .int32, shape: shape), .integers(low, high))
  }

  package static func bools(_ shape: Int...) -> Self { .tensor(.init(dtype: .bool, shape: shape), .integers(0, 2)) }
}
