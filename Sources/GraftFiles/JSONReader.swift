/// What is wrong with a JSON text, and at which byte.
struct JSONError: Error, Equatable {
  let message: String
  let offset: Int
}

/// A strict pull parser for JSON (RFC 8259): the caller asks for what the format has next.
///
/// It reads only inside the given bytes, rejects what the grammar rejects (trailing commas, leading zeros, control
/// characters, unpaired surrogates, invalid UTF-8), builds nothing that the caller did not ask for, and stops at
/// `maximumDepth` levels of nesting.
struct JSONReader {
  /// How deep values that are skipped may nest.
  static let maximumDepth = 64

  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  /// A reader over `bytes`, which must outlive it.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Reads an object and calls `member` after each key; `member` must read exactly one value.
  mutating func readObject(_ member: (inout JSONReader, String) throws -> Void) throws {
    try expect(UInt8(ascii: "{"), "an object")
    if consume(UInt8(ascii: "}")) { return }
    repeat {
      let key = try readString()
      try expect(UInt8(ascii: ":"), "':'")
      try member(&self, key)
    } while consume(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
  }

  /// Reads an array and calls `element` at each element; `element` must read exactly one value.
  mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
    try expect(UInt8(ascii: "["), "an array")
    if consume(UInt8(ascii: "]")) { return }
    repeat { try element(&self) } while consume(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
  }

  /// Reads a number without sign, fraction or exponent that an `Int` can hold.
  mutating func readNonNegativeInteger() throws -> Int {
    skipWhitespace()
    let start = offset
    var value = 0
    while let byte = peek(), isDigit(byte) {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = shifted.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { throw error("an integer is too large", at: start) }
      value = next
      offset += 1
    }
    let isFraction = peek().map { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") } ?? false
    guard offset > start, !isFraction, offset == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw error("a non-negative integer is expected", at: start)
    }
    return value
  }

  /// Reads a string.
  mutating func readString() throws -> String {
    try expect(UInt8(ascii: "\""), "a string")
    let start = offset
    while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { offset += 1 }
    if peek() == UInt8(ascii: "\"") {
      let text = try decode(UnsafeRawBufferPointer(rebasing: bytes[start..<offset]), at: start)
      offset += 1
      return text
    }
    return try readEscapedString(from: start)
  }

  private mutating func readEscapedString(from start: Int) throws -> String {
    var text = Array(bytes[start..<offset])
    while let byte = peek() {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return try text.withUnsafeBytes { try decode($0, at: start) }
      case UInt8(ascii: "\\"): text.append(contentsOf: String(Character(try readEscape())).utf8)
      case 0..<0x20: throw error("a control character in a string", at: offset - 1)
      default: text.append(byte)
      }
    }
    throw error("a string does not end", at: start)
  }

  private mutating func readEscape() throws -> Unicode.Scalar {
    guard let byte = peek() else { throw error("a string does not end", at: offset) }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readUnicodeEscape()
    default: throw error("an unknown escape in a string", at: offset - 2)
    }
  }

  private mutating func readUnicodeEscape() throws -> Unicode.Scalar {
    let start = offset - 2
    let high = try readHexadecimalUnit()
    if let scalar = Unicode.Scalar(UInt32(high)) { return scalar }
    guard UTF16.isLeadSurrogate(high), peek() == UInt8(ascii: "\\") else {
      throw error("an unpaired surrogate in a string", at: start)
    }
    offset += 1
    guard peek() == UInt8(ascii: "u") else { throw error("an unpaired surrogate in a string", at: start) }
    offset += 1
    let low = try readHexadecimalUnit()
    guard UTF16.isTrailSurrogate(low),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
    else { throw error("an unpaired surrogate in a string", at: start) }
    return scalar
  }

  private mutating func readHexadecimalUnit() throws -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits are expected", at: offset)
      }
      unit = unit << 4 | UInt16(digit)
      offset += 1
    }
    return unit
  }

  /// Reads any value and drops it.
  mutating func skipValue(depth: Int = 0) throws {
    guard depth < Self.maximumDepth else { throw error("nested too deeply", at: offset) }
    skipWhitespace()
    switch peek() {
    case UInt8(ascii: "{"): try readObject { reader, _ in try reader.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["): try readArray { reader in try reader.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try readString()
    case UInt8(ascii: "t"): try skipWord("true")
    case UInt8(ascii: "f"): try skipWord("false")
    case UInt8(ascii: "n"): try skipWord("null")
    default: try skipNumber()
    }
  }

  private mutating func skipWord(_ word: StaticString) throws {
    let end = offset + word.utf8CodeUnitCount
    guard end <= bytes.count,
      bytes[offset..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    else { throw error("a value is expected", at: offset) }
    offset = end
  }

  private mutating func skipNumber() throws {
    let start = offset
    if peek() == UInt8(ascii: "-") { offset += 1 }
    let leading = peek()
    let integerDigits = skipDigits()
    guard integerDigits > 0, integerDigits == 1 || leading != UInt8(ascii: "0") else {
      throw error("a value is expected", at: start)
    }
    if peek() == UInt8(ascii: ".") {
      offset += 1
      guard skipDigits() > 0 else { throw error("a digit is expected", at: offset) }
    }
    if let byte = peek(), byte | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { offset += 1 }
      guard skipDigits() > 0 else { throw error("a digit is expected", at: offset) }
    }
  }

  private mutating func skipDigits() -> Int {
    let start = offset
    while let byte = peek(), isDigit(byte) { offset += 1 }
    return offset - start
  }

  /// Checks that only white space is left.
  mutating func readEnd() throws {
    skipWhitespace()
    guard offset == bytes.count else { throw error("text after the end of the value", at: offset) }
  }

  private mutating func skipWhitespace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  private mutating func consume(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard peek() == byte else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws {
    guard consume(byte) else { throw error("\(what) is expected", at: offset) }
  }

  private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private func decode(_ text: UnsafeRawBufferPointer, at start: Int) throws -> String {
    guard let string = String(validating: text, as: UTF8.self) else {
      throw error("a string is not valid UTF-8", at: start)
    }
    return string
  }

  private func error(_ message: String, at offset: Int) -> JSONError { JSONError(message: message, offset: offset) }
}

/// `text` as a JSON string literal, escaped as Rust's `serde_json` does: only what must be.
func jsonLiteral(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\u{8}": result += "\\b"
    case "\u{C}": result += "\\f"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{0}"..<"\u{20}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
