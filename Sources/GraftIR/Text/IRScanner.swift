/// Reads words, numbers and punctuation from the text form, whose layout is free.
struct IRScanner {
  /// How deeply brackets, blocks and expressions may nest.
  static let depthLimit = 48

  private let bytes: [UInt8]
  private(set) var position = 0
  private var depth = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  static func startsWord(_ byte: UInt8) -> Bool {
    // Lower and upper case letters differ in one bit.
    let letter = byte | 0x20
    return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  static func continuesWord(_ byte: UInt8) -> Bool { startsWord(byte) || isDigit(byte) }

  // MARK: Failures and nesting

  func failure(_ message: String) -> Diagnostic {
    let before = bytes.prefix(position)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    // Continuation bytes do not begin a character.
    let column = bytes[start..<position].count { $0 & 0xC0 != 0x80 } + 1
    let oneLine = String(message.map { $0.isNewline ? " " : $0 })
    return Diagnostic(.invalidPackage, "program text \(line):\(column): \(oneLine)")
  }

  func expected(_ what: String) -> Diagnostic {
    guard let byte = peek else { return failure("expected \(what), found the end") }
    return failure("expected \(what), found `\(Unicode.Scalar(byte).escaped(asASCII: true))`")
  }

  mutating func nested<T>(_ body: (inout IRScanner) throws -> T) throws -> T {
    try enter()
    defer { leave() }
    return try body(&self)
  }

  mutating func enter() throws {
    depth += 1
    if depth > Self.depthLimit { throw failure("nested too deeply") }
  }

  mutating func leave() { depth -= 1 }

  // MARK: Bytes

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  var isAtEnd: Bool { position >= bytes.count }

  mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Goes back to an earlier position.
  mutating func rewind(to earlier: Int) { position = min(earlier, position) }

  // MARK: Punctuation and words

  /// Whether the punctuation comes next; takes it if it does.
  mutating func take(_ punctuation: StaticString) -> Bool {
    skipSpace()
    guard matches(punctuation) else { return false }
    position += punctuation.utf8CodeUnitCount
    return true
  }

  /// Whether the bytes from here on begin with the text.
  private func matches(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard count <= bytes.count - position else { return false }
    var index = 0
    while index < count {
      if text.utf8Start[index] != bytes[position + index] { return false }
      index += 1
    }
    return true
  }

  mutating func expect(_ punctuation: StaticString) throws {
    if !take(punctuation) { throw expected("`\(punctuation)`") }
  }

  /// A word if one comes next.
  mutating func takeWord() -> String? {
    skipSpace()
    guard let first = peek, Self.startsWord(first) else { return nil }
    let start = position
    while let byte = peek, Self.continuesWord(byte) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Whether exactly this word comes next; takes it if it does.
  mutating func take(word: StaticString) -> Bool {
    skipSpace()
    guard matches(word) else { return false }
    let end = position + word.utf8CodeUnitCount
    if end < bytes.count, Self.continuesWord(bytes[end]) { return false }
    position = end
    return true
  }

  mutating func expect(word: StaticString) throws {
    if !take(word: word) { throw expected("`\(word)`") }
  }

  /// A name, in quotes unless it is a word; nil when neither comes next.
  mutating func takeName() throws -> String? {
    if let word = takeWord() { return word }
    return peek == UInt8(ascii: "\"") ? try string() : nil
  }

  mutating func name(_ what: String) throws -> String {
    guard let name = try takeName() else { throw expected(what) }
    return name
  }

  // MARK: Strings

  mutating func string() throws -> String {
    try expect("\"")
    var text: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try escape().utf8
      default: text.append(byte)
      }
    }
    throw failure("a string does not end")
  }

  private mutating func escape() throws -> String {
    guard let byte = peek else { throw failure("a string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return String(UnicodeScalar(byte))
    case UInt8(ascii: "u"):
      try expect("{")
      let start = position
      while let byte = peek, Self.continuesWord(byte), position - start < 8 { position += 1 }
      let digits = String(decoding: bytes[start..<position], as: UTF8.self)
      guard let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
        throw failure("`\(digits)` is not a character's number")
      }
      try expect("}")
      return String(scalar)
    default: throw failure("an unknown escape in a string")
    }
  }

  // MARK: Numbers

  /// Digits without a sign, if they come next.
  mutating func takeDigits() -> String? {
    skipSpace()
    let start = position
    while let byte = peek, Self.isDigit(byte) { position += 1 }
    return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// An integer, perhaps negative.
  mutating func integer(_ what: String = "an integer") throws -> Int {
    let sign = take("-") ? "-" : ""
    guard let digits = takeDigits() else { throw expected(what) }
    guard let value = Int(sign + digits) else { throw failure("\(sign)\(digits) is too large") }
    return value
  }

  /// A non-negative integer below `limit`.
  mutating func index(below limit: Int, _ what: String) throws -> Int {
    let index = try integer(what)
    guard index >= 0, index < limit else { throw failure("there is no \(what) \(index)") }
    return index
  }

  /// A number with a point or an exponent, or `nan`, `inf`, `-inf`; nil, and nothing taken, when none comes next.
  mutating func takeFloat() throws -> Double? {
    skipSpace()
    let start = position
    let negative = take("-")
    if take(word: "inf") { return negative ? -Double.infinity : .infinity }
    if take(word: "nan") { return .nan }
    guard takeDigits() != nil, let mark = peek, [UInt8(ascii: "."), UInt8(ascii: "e")].contains(mark) else {
      position = start
      return nil
    }
    if mark == UInt8(ascii: ".") {
      position += 1
      _ = takeDigits()
    }
    if peek == UInt8(ascii: "e") {
      position += 1
      if peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { position += 1 }
      _ = takeDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else { throw failure("`\(text)` is not a number") }
    return value
  }
}
