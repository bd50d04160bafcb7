/// The element type of a tensor.
///
/// The raw value is the name that the IR's text form, the `.graft` package and every tracer use; it is the
/// name NumPy and the Array API standard give the type.
public enum DType: String, Sendable, Hashable, CaseIterable, Codable {
  case bool
  case uint8, uint16, uint32, uint64
  case int8, int16, int32, int64
  case float16, bfloat16, float32, float64
  case complex64, complex128
  /// An opaque random key, as in counter-based generators.
  case key

  /// The kinds between which type promotion moves, in promotion order.
  public enum Category: Int, Sendable, Comparable, CaseIterable {
    case bool, integer, floating, complex, opaque

    public static func < (a: Category, b: Category) -> Bool { a.rawValue < b.rawValue }
  }

  public var category: Category {
    switch self {
    case .bool: .bool
    case .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64: .integer
    case .float16, .bfloat16, .float32, .float64: .floating
    case .complex64, .complex128: .complex
    case .key: .opaque
    }
  }

  public var isFloating: Bool { category == .floating }
  public var isInteger: Bool { category == .integer }
  public var isComplex: Bool { category == .complex }
  /// Whether gradients can flow through values of this type.
  public var isDifferentiable: Bool { isFloating || isComplex }
  public var isSigned: Bool {
    switch self {
    case .bool, .uint8, .uint16, .uint32, .uint64, .key: false
    default: true
    }
  }

  /// Bytes an element takes in memory and in safetensors files. Keys have no storage form.
  public var byteWidth: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .complex64: 8
    case .complex128: 16
    case .key: 0
    }
  }

  /// The abbreviation people write in input specifications and the IR text: `f32`, `i64`, `bool`.
  public var shortName: String {
    switch self {
    case .bool: "bool"
    case .uint8: "u8"
    case .uint16: "u16"
    case .uint32: "u32"
    case .uint64: "u64"
    case .int8: "i8"
    case .int16: "i16"
    case .int32: "i32"
    case .int64: "i64"
    case .float16: "f16"
    case .bfloat16: "bf16"
    case .float32: "f32"
    case .float64: "f64"
    case .complex64: "c64"
    case .complex128: "c128"
    case .key: "key"
    }
  }

  /// Accepts both the full name (`float32`) and the abbreviation (`f32`).
  public init?(name: String) {
    guard let match = DType.byName[name] else { return nil }
    self = match
  }

  private static let byName = Dictionary(
    allCases.flatMap { [($0.rawValue, $0), ($0.shortName, $0)] }, uniquingKeysWith: { a, _ in a })

  /// The real type of a complex type's components, and the type itself otherwise.
  public var realType: DType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }

  /// The complex type whose components have this type, when there is one.
  public var complexType: DType? {
    switch self {
    case .float32, .complex64: .complex64
    case .float64, .complex128: .complex128
    default: nil
    }
  }
}
