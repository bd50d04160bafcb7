import GraftIR

/// The header of a `.npy` file: what the array is and where its elements begin.
///
/// See <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>; versions 1.0, 2.0 and 3.0.
struct NumPyHeader: Equatable {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Longer headers are refused: what this type can express is far shorter.
  static let maximumLength = 65_536

  var dtype: DType
  var shape: [Int]
  var isBigEndian = false
  var isFortranOrder = false
  /// The first element's position in the file.
  var dataOffset = 0

  /// Parses the header at the beginning of a file's bytes. Throws `FileError`.
  static func parse(_ bytes: UnsafeRawBufferPointer, path: String) throws -> NumPyHeader {
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(magic) else {
      throw malformed(path, bytes.isEmpty ? "the file is empty" : "it does not begin with NumPy's signature")
    }
    let version = bytes[6]
    guard (1...3).contains(version), bytes[7] == 0 else {
      throw FileError(
        .unsupported, path: path, "the .npy format version is \(version).\(bytes[7]); versions 1 to 3 are known")
    }
    let lengthWidth = version == 1 ? 2 : 4
    let start = 8 + lengthWidth
    guard bytes.count >= start else { throw malformed(path, "the header is truncated") }
    let length = (0..<lengthWidth).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    guard length <= maximumLength else { throw malformed(path, "a header of \(length) bytes") }
    guard length <= bytes.count - start else { throw malformed(path, "the header is truncated") }
    var parser = PythonLiteralParser(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]), path: path)
    var header = try parser.readHeader()
    header.dataOffset = start + length
    return header
  }

  /// The header's bytes as NumPy writes them: version 1.0, padded so that the elements begin at a multiple of 64.
  ///
  /// Throws `FileError` for a dtype that NumPy lacks.
  static func bytes(dtype: DType, shape: [Int], path: String) throws -> [UInt8] {
    guard let code = codes.first(where: { $0.dtype == dtype })?.code else {
      throw FileError(
        .unsupported, path: path, "cannot write: NumPy has no dtype \(dtype.rawValue)",
        remedy: "convert the array to float32, or write a safetensors file")
    }
    let byteOrder = dtype.byteWidth == 1 ? "|" : "<"
    let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(byteOrder)\(code)', 'fortran_order': False, 'shape': (\(dimensions)), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = UInt16(text.utf8.count)
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
  }

  /// NumPy's type codes without the byte order.
  fileprivate static let codes: [(code: String, dtype: DType)] = [
    ("b1", .bool), ("u1", .uint8), ("u2", .uint16), ("u4", .uint32), ("u8", .uint64), ("i1", .int8), ("i2", .int16),
    ("i4", .int32), ("i8", .int64), ("f2", .float16), ("f4", .float32), ("f8", .float64), ("c8", .complex64),
    ("c16", .complex128),
  ]

  fileprivate static func malformed(_ path: String, _ message: String) -> FileError {
    FileError(
      .malformed, path: path, "not a valid .npy file: \(message)", remedy: "get the file again, or save it again")
  }
}

/// Reads the part of Python's literals that `.npy` headers consist of, and nothing else.
private struct PythonLiteralParser {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, path: String) {
    self.bytes = bytes
    self.path = path
  }

  mutating func readHeader() throws -> NumPyHeader {
    var description: (dtype: DType, isBigEndian: Bool)?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !consume("}") {
      let key = try readString()
      try expect(":")
      switch key {
      case "descr" where description == nil: description = try readDescription()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try readBoolean()
      case "shape" where shape == nil: shape = try readShape()
      default: throw malformed("unexpected or repeated key '\(printable(key))' in the header")
      }
      if !consume(",") {
        try expect("}")
        break
      }
    }
    skipWhitespace()
    guard offset == bytes.count else { throw malformed("text after the header's dictionary") }
    guard let description, let isFortranOrder, let shape else {
      throw malformed("the header lacks 'descr', 'fortran_order' or 'shape'")
    }
    return NumPyHeader(
      dtype: description.dtype, shape: shape, isBigEndian: description.isBigEndian, isFortranOrder: isFortranOrder)
  }

  private mutating func readDescription() throws -> (dtype: DType, isBigEndian: Bool) {
    skipWhitespace()
    if peek() == UInt8(ascii: "[") || peek() == UInt8(ascii: "(") {
      throw unsupported("a structured array, with named fields", "save each field as an array of its own")
    }
    let text = try readString()
    let code = text.dropFirst()
    if code.first == "O" {
      throw unsupported(
        "an array of Python objects (a pickle), which could run code when it is loaded",
        "save arrays of numbers, with allow_pickle=False")
    }
    guard let order = text.first, "<>|=".contains(order),
      let dtype = NumPyHeader.codes.first(where: { $0.code == code })?.dtype
    else {
      throw unsupported(
        "elements of NumPy type '\(printable(text))', which Graft lacks", "convert the array to a number type first")
    }
    return (dtype, order == ">" && dtype.byteWidth > 1)
  }

  private mutating func readShape() throws -> [Int] {
    try expect("(")
    var shape: [Int] = []
    while !consume(")") {
      guard shape.count < TensorData.maximumRank else {
        throw malformed("more than \(TensorData.maximumRank) axes")
      }
      shape.append(try readDimension())
      if !consume(",") {
        guard shape.count > 1 else { throw malformed("the shape is not a tuple") }
        try expect(")")
        break
      }
    }
    return shape
  }

  private mutating func readDimension() throws -> Int {
    skipWhitespace()
    var value = 0
    let start = offset
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = shifted.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { throw malformed("a dimension is too large") }
      value = next
      offset += 1
    }
    guard offset > start else { throw malformed("a dimension is not a non-negative integer") }
    // Python 2 wrote long integers with this suffix.
    if peek() == UInt8(ascii: "L") { offset += 1 }
    return value
  }

  private mutating func readBoolean() throws -> Bool {
    skipWhitespace()
    for (word, value) in [("True", true), ("False", false)] {
      if bytes[offset...].prefix(word.utf8.count).elementsEqual(word.utf8) {
        offset += word.utf8.count
        return value
      }
    }
    throw malformed("'fortran_order' is neither True nor False")
  }

  private mutating func readString() throws -> String {
    skipWhitespace()
    guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw malformed("a string is expected in the header")
    }
    offset += 1
    let start = offset
    while let byte = peek(), byte != quote {
      guard byte != UInt8(ascii: "\\"), byte >= 0x20 else { throw malformed("an escape in a string of the header") }
      offset += 1
    }
    guard peek() == quote, let text = String(validating: bytes[start..<offset], as: UTF8.self) else {
      throw malformed("a string in the header does not end or is not text")
    }
    offset += 1
    return text
  }

  private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipWhitespace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { offset += 1 }
  }

  private mutating func consume(_ character: Unicode.Scalar) -> Bool {
    skipWhitespace()
    guard peek() == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard consume(character) else { throw malformed("'\(character)' is expected in the header") }
  }

  private func malformed(_ message: String) -> FileError { NumPyHeader.malformed(path, message) }

  private func unsupported(_ content: String, _ remedy: String) -> FileError {
    FileError(.unsupported, path: path, "the file holds \(content)", remedy: remedy)
  }
}
