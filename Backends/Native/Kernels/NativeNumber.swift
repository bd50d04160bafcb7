import GraftIR

/// An element type that kernels written in Swift compute with. Integers wrap on overflow.
package protocol NativeNumber: BitwiseCopyable, Comparable, Sendable {
  static var zero: Self { get }
  static var one: Self { get }
  func adding(_ other: Self) -> Self
  func multiplied(by other: Self) -> Self
  /// Whether it comes after `other` when sorted: NaN comes after everything.
  func follows(_ other: Self) -> Bool
}

extension FixedWidthInteger {
  package static var one: Self { 1 }
  package func adding(_ other: Self) -> Self { self &+ other }
  package func multiplied(by other: Self) -> Self { self &* other }
  package func follows(_ other: Self) -> Bool { self > other }
}

extension BinaryFloatingPoint {
  package static var one: Self { 1 }
  package func adding(_ other: Self) -> Self { self + other }
  package func multiplied(by other: Self) -> Self { self * other }
  package func follows(_ other: Self) -> Bool { self > other || (isNaN && !other.isNaN) }
}

extension Float: NativeNumber {}
extension Double: NativeNumber {}
extension Int8: NativeNumber {}
extension Int16: NativeNumber {}
extension Int32: NativeNumber {}
extension Int64: NativeNumber {}
extension UInt8: NativeNumber {}
extension UInt16: NativeNumber {}
extension UInt32: NativeNumber {}
extension UInt64: NativeNumber {}

extension DType {
  /// Calls `body` with the Swift type of the elements; nil for types that Swift kernels do not know.
  func withNumberType<Result>(_ body: (any NativeNumber.Type) throws -> Result) rethrows -> Result? {
    switch self {
    case .float32: try body(Float.self)
    case .float64: try body(Double.self)
    case .int8: try body(Int8.self)
    case .int16: try body(Int16.self)
    case .int32: try body(Int32.self)
    case .int64: try body(Int64.self)
    case .uint8, .bool: try body(UInt8.self)
    case .uint16: try body(UInt16.self)
    case .uint32: try body(UInt32.self)
    case .uint64: try body(UInt64.self)
    case .complex64: try body(ComplexNumber<Float>.self)
    case .complex128: try body(ComplexNumber<Double>.self)
    case .float16, .bfloat16, .key: nil
    }
  }
}
