/// What is known of a tensor before it exists: the element type and the extent of every axis.
package struct TensorType: Hashable, Sendable {
  package var dtype: DType
  package var shape: [Dim]

  package init(_ dtype: DType, _ shape: [Dim] = []) {
    self.dtype = dtype
    self.shape = shape
  }

  package var rank: Int { shape.count }
  package var isScalar: Bool { shape.isEmpty }
  /// The number of elements as an expression.
  package var count: Dim { shape.reduce(1, *) }

  package func with(dtype: DType) -> TensorType { TensorType(dtype, shape) }
  package func with(shape: [Dim]) -> TensorType { TensorType(dtype, shape) }
}

extension TensorType: CustomStringConvertible {
  /// `f32[N,3,224,224]`.
  package var description: String {
    dtype.shortName + "[" + shape.map(\.description).joined(separator: ",") + "]"
  }
}

/// A dynamic dimension's name and the values it may take.
package struct Symbol: Hashable, Sendable, Codable {
  package var name: String
  package var minimum: Int
  package var maximum: Int?
  /// Two valid sizes for verification; the first is the one that was traced.
  package var sizes: [Int]

  /// Words with a meaning of their own in the text form, which no symbol may have as its name.
  package static let reservedNames: Set<String> =
    Set(DType.allCases.flatMap { [$0.rawValue, $0.shortName] })
    .union(["true", "false", "none", "nan", "inf", "complex", "max", "min"])

  package init(_ name: String, minimum: Int = 0, maximum: Int? = nil, sizes: [Int] = []) {
    self.name = name
    self.minimum = minimum
    self.maximum = maximum
    self.sizes = sizes
  }
}
