/// A number written in the program: it takes its element type from the tensors it meets.
package enum Scalar: Hashable, Sendable {
  case bool(Bool)
  case int(Int)
  case float(Double)
  case complex(Double, Double)

  /// The value as a real number; nil for a complex one.
  package var asDouble: Double? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .int(let value): Double(value)
    case .float(let value): value
    case .complex: nil
    }
  }

  package var category: DType.Category {
    switch self {
    case .bool: .bool
    case .int: .integer
    case .float: .floating
    case .complex: .complex
    }
  }
}

/// A static argument of an operation.
package indirect enum Attribute: Hashable, Sendable {
  case none
  case scalar(Scalar)
  /// Any integer, which may be an expression of dynamic dimensions.
  case dim(Dim)
  case string(String)
  case dtype(DType)
  case list([Attribute])
  case literal(TensorLiteral)

  package static func bool(_ value: Bool) -> Attribute { .scalar(.bool(value)) }
  package static func int(_ value: Int) -> Attribute { .dim(Dim(value)) }
  package static func float(_ value: Double) -> Attribute { .scalar(.float(value)) }
  package static func dims(_ values: [Dim]) -> Attribute { .list(values.map { .dim($0) }) }
  package static func ints(_ values: [Int]) -> Attribute { .list(values.map { .int($0) }) }

  package var asBool: Bool? { if case .scalar(.bool(let value)) = self { value } else { nil } }
  package var asDim: Dim? { if case .dim(let value) = self { value } else { nil } }
  package var asInt: Int? { asDim?.knownValue }
  package var asString: String? { if case .string(let value) = self { value } else { nil } }
  package var asDType: DType? { if case .dtype(let value) = self { value } else { nil } }
  package var asList: [Attribute]? { if case .list(let values) = self { values } else { nil } }
  package var asDims: [Dim]? { asList.flatMap { list in list.allMap(\.asDim) } }
  package var asInts: [Int]? { asList.flatMap { list in list.allMap(\.asInt) } }
  package var isNone: Bool { self == .none }

  /// Any real number, written as an integer or not.
  package var asDouble: Double? {
    switch self {
    case .scalar(let value): value.asDouble
    case .dim(let value): value.knownValue.map(Double.init)
    default: nil
    }
  }

  /// The attribute with whole numbers as dimensions, the one form in which they compare equal.
  package var canonical: Attribute {
    switch self {
    case .scalar(.int(let value)): .int(value)
    case .list(let values): .list(values.map(\.canonical))
    default: self
    }
  }

  /// The symbols of every dimension in the attribute.
  package var symbols: Set<String> {
    switch self {
    case .dim(let value): Set(value.symbols)
    case .list(let values): values.reduce(into: []) { $0.formUnion($1.symbols) }
    default: []
    }
  }

  /// The number, when this is one that is known.
  package var asScalar: Scalar? {
    switch self {
    case .scalar(let value): value
    case .dim(let value): value.knownValue.map(Scalar.int)
    default: nil
    }
  }
}

extension Array {
  /// The mapped elements, or nil when one of them maps to nil.
  package func allMap<T>(_ transform: (Element) -> T?) -> [T]? {
    var mapped: [T] = []
    mapped.reserveCapacity(count)
    for element in self {
      guard let value = transform(element) else { return nil }
      mapped.append(value)
    }
    return mapped
  }
}

/// A small tensor whose elements stand in the program itself, row-major.
package struct TensorLiteral: Hashable, Sendable {
  package let dtype: DType
  package let shape: [Int]
  package let elements: [Scalar]

  /// Nil when the number of elements is not the product of the shape.
  package init?(dtype: DType, shape: [Int], elements: [Scalar]) {
    guard shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, saturatingMultiply) == elements.count else { return nil }
    self.dtype = dtype
    self.shape = shape
    self.elements = elements
  }

  package var type: TensorType { TensorType(dtype, shape.map { Dim($0) }) }
}
