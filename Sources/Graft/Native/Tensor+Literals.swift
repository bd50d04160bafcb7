import GraftIR

extension Tensor: ExpressibleByIntegerLiteral {
  /// A scalar of int64; among floating numbers in a list it becomes one.
  public init(integerLiteral value: Int) { self = Self.literal([value], []) }
}

extension Tensor: ExpressibleByFloatLiteral {
  /// A scalar of float32.
  public init(floatLiteral value: Double) { self = Self.literal([Float(value)], []) }
}

extension Tensor: ExpressibleByBooleanLiteral {
  public init(booleanLiteral value: Bool) { self = Self.literal([value], []) }
}

extension Tensor: ExpressibleByArrayLiteral {
  /// The elements along a new first axis: `[[1, 2], [3, 4]]`. They must have one shape; whole numbers beside floating
  /// ones are floating.
  public init(arrayLiteral elements: Tensor...) {
    let hasFloats = elements.contains { $0.dtype == .float32 }
    let converted = hasFloats ? elements.map { (try? $0.converted(to: .float32)) ?? $0 } : elements
    if elements.isEmpty {
      self = Self.literal([Float](), [0])
    } else if let stacked = try? Tensor(stacking: converted) {
      self = stacked
    } else {
      preconditionFailure("the rows of a tensor literal differ in shape or type: \(elements.map(\.shape))")
    }
  }

  private static func literal<Scalar: TensorScalar>(_ elements: [Scalar], _ shape: [Int]) -> Tensor {
    guard let tensor = try? Tensor(elements, shape: shape) else {
      preconditionFailure("a literal of \(elements.count) elements has the shape \(shape)")
    }
    return tensor
  }
}
