/// What is wrong with a deflated stream.
struct InflateError: Error, Equatable {
  let message: String
}

/// Decompression of the DEFLATE format (RFC 1951) with every read and write checked.
struct Inflate {
  /// The most that a byte of input can become: a match of 258 bytes takes at least two bits.
  static let maximumRatio = 1032

  private var input: BitReader
  private let output: UnsafeMutableRawBufferPointer
  private var written = 0

  /// Decompresses `input`, which must be one whole stream that fills `output` exactly. Throws `InflateError`.
  static func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws {
    var inflate = Inflate(input: BitReader(input), output: output)
    var isLast = false
    while !isLast {
      isLast = try inflate.input.take(1) == 1
      switch try inflate.input.take(2) {
      case 0: try inflate.copyStored()
      case 1: try inflate.decode(HuffmanTable.fixedLiterals, HuffmanTable.fixedDistances)
      case 2:
        let (literals, distances) = try inflate.readTables()
        try inflate.decode(literals, distances)
      default: throw InflateError(message: "an unknown block type")
      }
    }
    guard inflate.written == output.count else { throw InflateError(message: "less data than announced") }
    guard inflate.input.isAtEnd else { throw InflateError(message: "bytes after the end of the stream") }
  }

  private mutating func copyStored() throws {
    input.alignToByte()
    let length = Int(try input.take(16))
    guard try input.take(16) == ~UInt32(length) & 0xFFFF else {
      throw InflateError(message: "a stored block's length is damaged")
    }
    let bytes = try input.takeBytes(length)
    guard length <= output.count - written else { throw InflateError(message: "more data than announced") }
    UnsafeMutableRawBufferPointer(rebasing: output[written..<(written + length)]).copyMemory(from: bytes)
    written += length
  }

  private mutating func readTables() throws -> (HuffmanTable, HuffmanTable) {
    let literalCount = Int(try input.take(5)) + 257
    let distanceCount = Int(try input.take(5)) + 1
    let codeCount = Int(try input.take(4)) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw InflateError(message: "too many codes") }
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codeLengths = [UInt8](repeating: 0, count: 19)
    for index in 0..<codeCount { codeLengths[order[index]] = UInt8(try input.take(3)) }
    let codes = try HuffmanTable(codeLengths, mayBeIncomplete: false)
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try input.decode(codes)
      var value: UInt8 = 0
      var count = 1
      switch symbol {
      case 0..<16: value = UInt8(symbol)
      case 16:
        guard let previous = lengths.last else { throw InflateError(message: "a repeated length without a length") }
        value = previous
        count = 3 + Int(try input.take(2))
      case 17: count = 3 + Int(try input.take(3))
      default: count = 11 + Int(try input.take(7))
      }
      guard count <= literalCount + distanceCount - lengths.count else {
        throw InflateError(message: "too many code lengths")
      }
      lengths.append(contentsOf: repeatElement(value, count: count))
    }
    guard lengths[256] != 0 else { throw InflateError(message: "a block without an end") }
    return (
      try HuffmanTable(Array(lengths[..<literalCount]), mayBeIncomplete: true),
      try HuffmanTable(Array(lengths[literalCount...]), mayBeIncomplete: true)
    )
  }

  private mutating func decode(_ literals: HuffmanTable, _ distances: HuffmanTable) throws {
    while true {
      let symbol = try input.decode(literals)
      if symbol < 256 {
        guard written < output.count else { throw InflateError(message: "more data than announced") }
        output[written] = UInt8(symbol)
        written += 1
        continue
      }
      if symbol == 256 { return }
      guard symbol < 286 else { throw InflateError(message: "an unknown length code") }
      let length = Int(Self.lengthBases[symbol - 257]) + Int(try input.take(Int(Self.lengthBits[symbol - 257])))
      let code = try input.decode(distances)
      guard code < 30 else { throw InflateError(message: "an unknown distance code") }
      let distance = Int(Self.distanceBases[code]) + Int(try input.take(Int(Self.distanceBits[code])))
      guard distance <= written else { throw InflateError(message: "a reference to before the beginning") }
      guard length <= output.count - written else { throw InflateError(message: "more data than announced") }
      for index in written..<(written + length) { output[index] = output[index - distance] }
      written += length
    }
  }

  private static let lengthBases: [UInt16] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let lengthBits: [UInt8] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBases: [UInt16] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
  ]
  private static let distanceBits: [UInt8] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ]
}

/// Bits from the least significant end of each byte; reading past the end throws.
private struct BitReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var bits: UInt64 = 0
  private var available = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Whether nothing but the padding of the last byte is left.
  var isAtEnd: Bool { position == bytes.count && available < 8 }

  /// The next `count` bits, at most 16.
  mutating func take(_ count: Int) throws -> UInt32 {
    refill()
    guard count <= available else { throw InflateError(message: "the stream is truncated") }
    let value = UInt32(truncatingIfNeeded: bits & (1 << UInt64(count) - 1))
    bits >>= UInt64(count)
    available -= count
    return value
  }

  /// The next symbol of a Huffman code.
  mutating func decode(_ table: HuffmanTable) throws -> Int {
    refill()
    let entry = table.entries[Int(bits & UInt64(table.entries.count - 1))]
    let length = Int(entry & 15)
    guard length > 0 else { throw InflateError(message: "an unknown code") }
    guard length <= available else { throw InflateError(message: "the stream is truncated") }
    bits >>= UInt64(length)
    available -= length
    return Int(entry >> 4)
  }

  mutating func alignToByte() {
    bits >>= UInt64(available & 7)
    available -= available & 7
  }

  /// The next `count` whole bytes, at a byte boundary.
  mutating func takeBytes(_ count: Int) throws -> UnsafeRawBufferPointer {
    position -= available / 8
    bits = 0
    available = 0
    guard count <= bytes.count - position else { throw InflateError(message: "the stream is truncated") }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
  }

  private mutating func refill() {
    while available <= 56, position < bytes.count {
      bits |= UInt64(bytes[position]) << UInt64(available)
      position += 1
      available += 8
    }
  }
}

/// A Huffman code as a table indexed by the next bits: symbol * 16 + length, or 0 where no code begins so.
private struct HuffmanTable {
  let entries: [UInt16]

  static let fixedLiterals = HuffmanTable(
    complete: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  static let fixedDistances = HuffmanTable(complete: [UInt8](repeating: 5, count: 32))

  private init(complete lengths: [UInt8]) { entries = Self.build(lengths) }

  /// Throws when the lengths are those of no prefix code. A code of at most one symbol may be incomplete when
  /// `mayBeIncomplete`, as the format allows it.
  init(_ lengths: [UInt8], mayBeIncomplete: Bool) throws {
    let used = lengths.count { $0 > 0 }
    let space = lengths.reduce(0) { $0 + ($1 > 0 ? 1 << (15 - Int($1)) : 0) }
    guard space == 1 << 15 || mayBeIncomplete && space < 1 << 15 && used <= 1 else {
      throw InflateError(message: "code lengths that make no code")
    }
    entries = Self.build(lengths)
  }

  private static func build(_ lengths: [UInt8]) -> [UInt16] {
    let width = max(1, Int(lengths.max() ?? 0))
    var entries = [UInt16](repeating: 0, count: 1 << width)
    var code = 0
    for length in 1...width {
      for (symbol, symbolLength) in lengths.enumerated() where Int(symbolLength) == length {
        var reversed = 0
        for bit in 0..<length where code & 1 << bit != 0 { reversed |= 1 << (length - 1 - bit) }
        for index in stride(from: reversed, to: entries.count, by: 1 << length) {
          entries[index] = UInt16(symbol << 4 | length)
        }
        code += 1
      }
      code <<= 1
    }
    return entries
  }
}
