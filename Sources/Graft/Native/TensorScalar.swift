public import GraftIR

/// A Swift type that a tensor's elements may have.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  /// The element type of tensors of this type.
  static var scalarType: DType { get }
}

extension Float: TensorScalar { public static var scalarType: DType { .float32 } }
extension Double: TensorScalar { public static var scalarType: DType { .float64 } }
extension Int8: TensorScalar { public static var scalarType: DType { .int8 } }
extension Int16: TensorScalar { public static var scalarType: DType { .int16 } }
extension Int32: TensorScalar { public static var scalarType: DType { .int32 } }
extension Int64: TensorScalar { public static var scalarType: DType { .int64 } }
extension UInt8: TensorScalar { public static var scalarType: DType { .uint8 } }
extension UInt16: TensorScalar { public static var scalarType: DType { .uint16 } }
extension UInt32: TensorScalar { public static var scalarType: DType { .uint32 } }
extension UInt64: TensorScalar { public static var scalarType: DType { .uint64 } }
extension Int: TensorScalar { public static var scalarType: DType { .int64 } }
extension Bool: TensorScalar { public static var scalarType: DType { .bool } }
