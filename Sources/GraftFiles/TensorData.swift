package import GraftIR

/// Why tensor data could not be made or looked at as asked; the description is one line.
package struct TensorDataError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// A dense tensor in row-major order: a dtype, a shape, and bytes that somebody owns.
///
/// The bytes are little-endian as in memory, never change, and may lie at any address: a file decides where its
/// tensors begin. A value keeps its owner alive; copies share the bytes.
package struct TensorData: @unchecked Sendable {
  /// The largest number of axes; NumPy and PyTorch have the same limit.
  package static let maximumRank = 64
  /// The alignment in bytes of memory that this type allocates.
  package static let allocationAlignment = 64

  package let dtype: DType
  package let shape: [Int]
  /// The number of elements: the product of `shape`, 1 for a scalar.
  package let count: Int
  /// The number of bytes: `count` times the dtype's width.
  package var byteCount: Int { bytes.count }

  private let bytes: UnsafeRawBufferPointer
  private let owner: any AnyObject & Sendable

  /// Views `byteCount(dtype, shape)` bytes from `offset` on in a mapped file, without copying them.
  package init(dtype: DType, shape: [Int], file: MappedFile, offset: Int) throws {
    let length = try Self.byteCount(dtype: dtype, shape: shape)
    try self.init(dtype: dtype, shape: shape, bytes: file.slice(at: offset, count: length), owner: file)
  }

  /// Views memory that somebody else owns, without copying it.
  ///
  /// - Parameters:
  ///   - bytes: exactly as many as dtype and shape need, unchanged until `release` is called.
  ///   - release: called once, from any thread, when the last copy of this value is gone; also when this
  ///     initialiser throws.
  package init(
    dtype: DType, shape: [Int], foreign bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void
  ) throws {
    try self.init(dtype: dtype, shape: shape, bytes: bytes, owner: ForeignOwner(release: release))
  }

  /// Says that the elements will hardly be read again: those of a file no longer take memory until they are.
  package func letGo() { (owner as? MappedFile)?.letGo(bytes) }

  /// The same tensor at an address that its elements may have; a copy if it lies elsewhere, as views of files can.
  package func aligned() throws -> TensorData {
    let width = min(dtype.byteWidth, 8)
    if bytes.isEmpty || Int(bitPattern: bytes.baseAddress) % width == 0 { return self }
    let buffer = AlignedBuffer(copying: bytes)
    return try TensorData(dtype: dtype, shape: shape, bytes: UnsafeRawBufferPointer(buffer.bytes), owner: buffer)
  }

  /// Allocates zeroed memory, lets `initialize` write to it, and takes it.
  package init(
    dtype: DType, shape: [Int], initializing initialize: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    let buffer = try AlignedBuffer(zeroed: Self.byteCount(dtype: dtype, shape: shape))
    try initialize(buffer.bytes)
    try self.init(dtype: dtype, shape: shape, bytes: UnsafeRawBufferPointer(buffer.bytes), owner: buffer)
  }

  /// Copies `elements`, in row-major order; as many as `shape` says, twice as many for a complex `dtype`.
  package init<Element: TensorElement>(
    shape: [Int], elements: [Element], dtype: DType = Element.dtype
  ) throws {
    try Self.check(Element.self, views: dtype)
    let expected = try Self.byteCount(dtype: dtype, shape: shape)
    guard elements.count * MemoryLayout<Element>.stride == expected else {
      throw TensorDataError("\(elements.count) elements given for a \(dtype.rawValue) tensor of shape \(shape)")
    }
    try self.init(dtype: dtype, shape: shape) { buffer in
      elements.withUnsafeBytes { buffer.copyMemory(from: $0) }
    }
  }

  private init(
    dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
  ) throws {
    let length = try Self.byteCount(dtype: dtype, shape: shape)
    guard bytes.count == length else {
      throw TensorDataError(
        "\(bytes.count) bytes given for a \(dtype.rawValue) tensor of shape \(shape), which needs \(length)")
    }
    self.dtype = dtype
    self.shape = shape
    self.count = length / dtype.byteWidth
    self.bytes = bytes
    self.owner = owner
  }

  /// The bytes a tensor takes; throws for a negative dimension, an overflow, too many axes, and random keys.
  package static func byteCount(dtype: DType, shape: [Int]) throws -> Int {
    guard dtype.byteWidth > 0 else { throw TensorDataError("\(dtype.rawValue) values have no storage form") }
    guard shape.count <= maximumRank else {
      throw TensorDataError("a shape of \(shape.count) axes; at most \(maximumRank) are supported")
    }
    guard shape.allSatisfy({ $0 >= 0 }) else { throw TensorDataError("shape \(shape) has a negative dimension") }
    var product = dtype.byteWidth
    // Zeros are left out so that strides computed from the shape cannot overflow either.
    for dimension in shape where dimension != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw TensorDataError("shape \(shape) is larger than memory can address") }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  /// Calls `body` with all bytes; the pointer is valid during the call only.
  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(owner) { try body(bytes) }
  }

  /// Calls `body` with the elements, typed; the pointer is valid during the call only.
  ///
  /// A complex tensor is viewed as its components, real and imaginary interleaved (`2 * count` of them); bool as
  /// `UInt8`, where anything but 0 is true; float16 and bfloat16 as `UInt16` bit patterns. Throws when `Element`
  /// does not view the dtype. Bytes that are not aligned for `Element` are copied first.
  package func withElements<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) throws -> Result {
    try Self.check(type, views: dtype)
    return try withAlignedElements(of: type, body)
  }

  /// The view of `withElements`, when the caller has established that `Element` views the dtype.
  func withAlignedElements<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return try body(UnsafeBufferPointer(start: nil, count: 0)) }
      if Int(bitPattern: base) % MemoryLayout<Element>.alignment == 0 {
        return try body(bytes.assumingMemoryBound(to: Element.self))
      }
      let copy = AlignedBuffer(copying: bytes)
      return try withExtendedLifetime(copy) {
        try body(UnsafeRawBufferPointer(copy.bytes).assumingMemoryBound(to: Element.self))
      }
    }
  }

  private static func check<Element: TensorElement>(_ type: Element.Type, views dtype: DType) throws {
    guard Element.views(dtype) else {
      throw TensorDataError("a \(dtype.rawValue) tensor cannot be viewed as \(Element.self) elements")
    }
  }

  /// The same bytes under another shape with as many elements; throws when the counts differ.
  package func reshaped(_ shape: [Int]) throws -> TensorData {
    try TensorData(dtype: dtype, shape: shape, bytes: bytes, owner: owner)
  }
}

/// A Swift type that views the elements of tensors in place.
package protocol TensorElement: BitwiseCopyable, Sendable {
  /// The dtype that arrays of this type become when none is given.
  static var dtype: DType { get }
  /// Whether the elements, or the components, of a tensor of this dtype have this type's representation.
  static func views(_ dtype: DType) -> Bool
}

extension TensorElement {
  package static func views(_ dtype: DType) -> Bool { dtype.realType == Self.dtype }
}

extension Int8: TensorElement { package static var dtype: DType { .int8 } }
extension Int16: TensorElement { package static var dtype: DType { .int16 } }
extension Int32: TensorElement { package static var dtype: DType { .int32 } }
extension Int64: TensorElement { package static var dtype: DType { .int64 } }
extension UInt32: TensorElement { package static var dtype: DType { .uint32 } }
extension UInt64: TensorElement { package static var dtype: DType { .uint64 } }
extension Float: TensorElement { package static var dtype: DType { .float32 } }
extension Double: TensorElement { package static var dtype: DType { .float64 } }

extension UInt8: TensorElement {
  package static var dtype: DType { .uint8 }
  package static func views(_ dtype: DType) -> Bool { dtype == .uint8 || dtype == .bool }
}

extension UInt16: TensorElement {
  package static var dtype: DType { .uint16 }
  package static func views(_ dtype: DType) -> Bool { dtype == .uint16 || dtype == .float16 || dtype == .bfloat16 }
}

/// Memory of our own, aligned for vector loads, freed with the object.
final class AlignedBuffer: Sendable {
  nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  init(zeroed count: Int) {
    bytes = .allocate(byteCount: count, alignment: TensorData.allocationAlignment)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  init(copying source: UnsafeRawBufferPointer) {
    bytes = .allocate(byteCount: source.count, alignment: TensorData.allocationAlignment)
    bytes.copyMemory(from: source)
  }

  deinit { bytes.deallocate() }
}

private final class ForeignOwner: Sendable {
  private let release: @Sendable () -> Void

  init(release: @escaping @Sendable () -> Void) { self.release = release }

  deinit { release() }
}
