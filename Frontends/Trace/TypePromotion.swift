package import GraftIR

/// The element type that arithmetic between operands of different types yields.
package enum TypePromotion {
  /// PyTorch's rule: the highest category decides; within it tensors with axes outrank scalars and numbers.
  package static func common(_ types: [TensorType], scalars: [Scalar], defaultFloat: DType = .float32) -> DType {
    let dimensioned = types.filter { !$0.isScalar }.map(\.dtype)
    let zeroDimensional = types.filter(\.isScalar).map(\.dtype)
    let numbers = scalars.map { scalar -> DType in
      switch scalar.category {
      case .bool: .bool
      case .integer: .int64
      case .complex: defaultFloat == .float64 ? .complex128 : .complex64
      default: defaultFloat
      }
    }
    var result: DType?
    for group in [dimensioned, zeroDimensional, numbers] {
      guard let first = group.first else { continue }
      let joined = group.dropFirst().reduce(first, join)
      guard let known = result else {
        result = joined
        continue
      }
      if joined.category > known.category { result = raise(known, to: joined) }
    }
    return result ?? defaultFloat
  }

  /// A type of the higher category at the precision the lower one has.
  private static func raise(_ low: DType, to high: DType) -> DType {
    if high.isComplex, low.isFloating { return low.complexType ?? high }
    return high
  }

  /// The smallest type that holds both.
  package static func join(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if a.category != b.category {
      let (low, high) = a.category < b.category ? (a, b) : (b, a)
      if high.isComplex, low == .float64 { return .complex128 }
      return high
    }
    switch a.category {
    case .floating:
      if Set([a, b]) == [.float16, .bfloat16] { return .float32 }
      return a.byteWidth >= b.byteWidth ? a : b
    case .integer:
      if a.isSigned == b.isSigned { return a.byteWidth >= b.byteWidth ? a : b }
      let (signed, unsigned) = a.isSigned ? (a, b) : (b, a)
      if signed.byteWidth > unsigned.byteWidth { return signed }
      switch unsigned.byteWidth {
      case 1: return .int16
      case 2: return .int32
      default: return .int64
      }
    default: return a.byteWidth >= b.byteWidth ? a : b
    }
  }
}
