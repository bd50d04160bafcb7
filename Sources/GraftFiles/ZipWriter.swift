/// Writes a ZIP archive of stored members, the same bytes for the same contents.
///
/// Contents begin at multiples of 64 bytes, so that they can be used in place when the archive is mapped.
struct ZipWriter {
  /// From this value on, a size or a position goes to a ZIP64 field.
  private let zip64Limit: Int
  private let writer: AtomicWriter
  private let start: Int
  private var directory: [UInt8] = []
  private var count = 0
  private static let alignment = 64
  /// The extra field that only aligns, as Android's zipalign writes it.
  private static let alignmentExtra: UInt16 = 0xD935

  init(_ writer: AtomicWriter, zip64Limit: Int = 0xFFFF_FFFF) {
    self.writer = writer
    self.zip64Limit = zip64Limit
    start = writer.position
  }

  /// Appends a member whose contents are `pieces`, one after the other.
  mutating func add(_ name: String, _ pieces: [UnsafeRawBufferPointer]) throws {
    let name = Array(name.utf8)
    guard name.count <= 0xFFFF else {
      throw FileError(.invalidRequest, path: writer.path, "cannot write: a name of \(name.count) bytes")
    }
    let size = pieces.reduce(0) { $0 + $1.count }
    var crc = CRC32()
    for piece in pieces { crc.update(piece) }
    let offset = writer.position - start
    let isLarge = size >= zip64Limit
    var fields: [UInt8] = []
    // Version 4.5 is the first with ZIP64; the flag says that the name is UTF-8; the time is the format's earliest.
    fields.append(contentsOf: bytes(UInt16(isLarge || offset >= zip64Limit ? 45 : 20)) + bytes(UInt16(0x800)))
    fields.append(contentsOf: bytes(UInt16(0)) + bytes(UInt16(0)) + bytes(UInt16(0x21)) + bytes(crc.value))
    let narrowSize = isLarge ? UInt32.max : UInt32(size)
    fields.append(contentsOf: bytes(narrowSize) + bytes(narrowSize) + bytes(UInt16(name.count)))

    var extra = isLarge ? zip64Extra([size, size]) : []
    let end = offset + 30 + name.count + extra.count + 4
    let padding = (Self.alignment - end % Self.alignment) % Self.alignment
    extra += bytes(Self.alignmentExtra) + bytes(UInt16(padding)) + [UInt8](repeating: 0, count: padding)
    try writer.write(bytes(ZipFormat.localHeader) + fields + bytes(UInt16(extra.count)) + name + extra)
    for piece in pieces { try writer.write(piece) }

    let isFar = offset >= zip64Limit
    let wide = zip64Extra((isLarge ? [size, size] : []) + (isFar ? [offset] : []))
    directory += bytes(ZipFormat.directoryEntry) + bytes(UInt16(45)) + fields + bytes(UInt16(wide.count))
    directory += [UInt8](repeating: 0, count: 10) + bytes(isFar ? UInt32.max : UInt32(offset)) + name + wide
    count += 1
  }

  /// Appends the directory, which ends the archive.
  func finish() throws {
    let offset = writer.position - start
    try writer.write(directory)
    let isLarge = offset >= zip64Limit || directory.count >= zip64Limit || count >= 0xFFFF
    if isLarge {
      let position = writer.position - start
      var record = bytes(ZipFormat.endOfDirectory64) + bytes(UInt64(44)) + bytes(UInt16(45)) + bytes(UInt16(45))
      record += bytes(UInt64(0)) + bytes(UInt64(count)) + bytes(UInt64(count))
      record += bytes(UInt64(directory.count)) + bytes(UInt64(offset))
      try writer.write(record)
      try writer.write(
        bytes(ZipFormat.endLocator64) + bytes(UInt32(0)) + bytes(UInt64(position)) + bytes(UInt32(1)))
    }
    let narrowCount = bytes(isLarge ? UInt16.max : UInt16(count))
    var record = bytes(ZipFormat.endOfDirectory) + bytes(UInt32(0)) + narrowCount + narrowCount
    record += bytes(isLarge ? UInt32.max : UInt32(directory.count)) + bytes(isLarge ? UInt32.max : UInt32(offset))
    try writer.write(record + bytes(UInt16(0)))
  }

  private func zip64Extra(_ values: [Int]) -> [UInt8] {
    guard !values.isEmpty else { return [] }
    return bytes(ZipFormat.zip64Extra) + bytes(UInt16(8 * values.count)) + values.flatMap { bytes(UInt64($0)) }
  }

  private func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    (0..<(Integer.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
