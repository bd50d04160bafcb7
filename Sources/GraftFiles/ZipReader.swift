/// A ZIP archive, opened for reading: the directory is read and checked, members are read when asked for.
///
/// Members are stored or deflated; ZIP64 is understood; encryption, other compressions and archives in several parts
/// are refused. See PKWARE's APPNOTE.TXT 6.3.
struct ZipReader: Sendable {
  struct Member: Sendable, Equatable {
    let name: String
    fileprivate let method: UInt16
    fileprivate let crc: UInt32
    fileprivate let compressedSize: Int
    let size: Int
    fileprivate let headerOffset: Int
  }

  let file: MappedFile
  /// The members in the directory's order, without folders.
  let members: [Member]

  /// Reads the directory. Throws `FileError`.
  init(_ file: MappedFile) throws {
    self.file = file
    let directory = try Self.findDirectory(file)
    var members: [Member] = []
    var names: Set<String> = []
    var offset = directory.offset
    for _ in 0..<directory.count {
      let (member, next) = try Self.readEntry(file, at: offset, end: directory.end)
      offset = next
      if member.name.hasSuffix("/") { continue }
      guard names.insert(member.name).inserted else {
        throw Self.malformed(file, "two members named '\(printable(member.name))'")
      }
      members.append(member)
    }
    guard offset == directory.end else { throw Self.malformed(file, "the directory's size is wrong") }
    self.members = members
  }

  /// The contents of a member: the mapped archive itself when it is stored, else decompressed memory.
  ///
  /// Throws `FileError`, also when the contents do not match their checksum.
  func contents(of member: Member) throws -> (file: MappedFile, offset: Int, count: Int) {
    let path = "\(file.path)/\(member.name)"
    let start = try dataOffset(of: member)
    let stored = try file.slice(at: start, count: member.compressedSize)
    if member.method == 0 {
      guard CRC32.of(stored) == member.crc else { throw Self.damaged(path) }
      return (file, start, member.size)
    }
    // The announced size is believed only as far as the compressed bytes can make it true.
    guard member.size / Inflate.maximumRatio <= member.compressedSize else {
      throw Self.malformed(file, "'\(printable(member.name))' announces more than it can hold")
    }
    do {
      let contents = try MappedFile(count: member.size, path: path) { try Inflate.decompress(stored, into: $0) }
      guard contents.withBytes({ CRC32.of($0) }) == member.crc else { throw Self.damaged(path) }
      return (contents, 0, member.size)
    } catch let error as InflateError {
      throw FileError(.malformed, path: path, "damaged: \(error.message)", remedy: "get the file again")
    }
  }

  private func dataOffset(of member: Member) throws -> Int {
    try file.withBytes(at: member.headerOffset, count: 30) { header in
      guard header.integer(at: 0, UInt32.self) == ZipFormat.localHeader else {
        throw Self.malformed(file, "'\(printable(member.name))' is not where the directory says")
      }
      let nameLength = Int(header.integer(at: 26, UInt16.self))
      let extraLength = Int(header.integer(at: 28, UInt16.self))
      let name = try file.slice(at: member.headerOffset + 30, count: nameLength)
      guard name.elementsEqual(member.name.utf8) else {
        throw Self.malformed(file, "'\(printable(member.name))' has another name at its place")
      }
      return member.headerOffset + 30 + nameLength + extraLength
    }
  }

  private static func findDirectory(_ file: MappedFile) throws -> (offset: Int, end: Int, count: Int) {
    guard file.count >= 22 else {
      throw malformed(file, file.count == 0 ? "the file is empty" : "the file is too short")
    }
    let tailStart = max(0, file.count - 22 - 65_535)
    let end = try file.withBytes(at: tailStart, count: file.count - tailStart) { tail -> Int? in
      stride(from: tail.count - 22, through: 0, by: -1).first {
        tail.integer(at: $0, UInt32.self) == ZipFormat.endOfDirectory
          && Int(tail.integer(at: $0 + 20, UInt16.self)) == tail.count - 22 - $0
      }.map { tailStart + $0 }
    }
    guard let end else { throw malformed(file, "the directory is missing: truncated?") }
    let record = try file.slice(at: end, count: 22)
    guard record.integer(at: 4, UInt16.self) == 0 || record.integer(at: 4, UInt16.self) == 0xFFFF else {
      throw unsupported(file, "is one part of an archive in several")
    }
    var count = UInt64(record.integer(at: 10, UInt16.self))
    var size = UInt64(record.integer(at: 12, UInt32.self))
    var offset = UInt64(record.integer(at: 16, UInt32.self))
    var limit = end
    if end >= 20, try file.slice(at: end - 20, count: 4).integer(at: 0, UInt32.self) == ZipFormat.endLocator64 {
      let position = try file.slice(at: end - 20, count: 20).integer(at: 8, UInt64.self)
      guard let position = Int(exactly: position), position <= end - 20 - 56 else {
        throw malformed(file, "the directory is misplaced")
      }
      let record64 = try file.slice(at: position, count: 56)
      guard record64.integer(at: 0, UInt32.self) == ZipFormat.endOfDirectory64 else {
        throw malformed(file, "the directory is misplaced")
      }
      count = record64.integer(at: 32, UInt64.self)
      size = record64.integer(at: 40, UInt64.self)
      offset = record64.integer(at: 48, UInt64.self)
      limit = position
    }
    guard let start = Int(exactly: offset), let length = Int(exactly: size), start <= limit, length == limit - start,
      count <= UInt64(length / 46)
    else { throw malformed(file, "the directory is misplaced") }
    return (start, limit, Int(count))
  }

  private static func readEntry(_ file: MappedFile, at offset: Int, end: Int) throws -> (Member, Int) {
    guard offset <= end - 46 else { throw malformed(file, "the directory is truncated") }
    let header = try file.slice(at: offset, count: 46)
    let nameLength = Int(header.integer(at: 28, UInt16.self))
    let extraLength = Int(header.integer(at: 30, UInt16.self))
    let next = offset + 46 + nameLength + extraLength + Int(header.integer(at: 32, UInt16.self))
    guard header.integer(at: 0, UInt32.self) == ZipFormat.directoryEntry, next <= end else {
      throw malformed(file, "the directory is damaged")
    }
    guard let name = String(validating: try file.slice(at: offset + 46, count: nameLength), as: UTF8.self) else {
      throw malformed(file, "a member's name is not UTF-8")
    }
    let method = header.integer(at: 10, UInt16.self)
    guard header.integer(at: 8, UInt16.self) & 1 == 0 else {
      throw unsupported(file, "has an encrypted member '\(printable(name))'")
    }
    guard method == 0 || method == 8 else {
      throw unsupported(file, "has a member '\(printable(name))' with compression method \(method)")
    }
    var fields = (
      size: UInt64(header.integer(at: 24, UInt32.self)), compressed: UInt64(header.integer(at: 20, UInt32.self)),
      offset: UInt64(header.integer(at: 42, UInt32.self))
    )
    let extra = try file.slice(at: offset + 46 + nameLength, count: extraLength)
    try readZip64Extra(extra, into: &fields, file)
    guard let size = Int(exactly: fields.size), let compressed = Int(exactly: fields.compressed),
      let headerOffset = Int(exactly: fields.offset), compressed <= file.count, headerOffset <= file.count,
      method != 0 || size == compressed
    else { throw malformed(file, "'\(printable(name))' has impossible sizes") }
    let member = Member(
      name: name, method: method, crc: header.integer(at: 16, UInt32.self), compressedSize: compressed, size: size,
      headerOffset: headerOffset)
    return (member, next)
  }

  /// Replaces the fields that are too large for 32 bits by those of the ZIP64 extra field.
  private static func readZip64Extra(
    _ extra: UnsafeRawBufferPointer, into fields: inout (size: UInt64, compressed: UInt64, offset: UInt64),
    _ file: MappedFile
  ) throws {
    var position = 0
    while position + 4 <= extra.count {
      let length = Int(extra.integer(at: position + 2, UInt16.self))
      guard length <= extra.count - position - 4 else { throw malformed(file, "an extra field is damaged") }
      if extra.integer(at: position, UInt16.self) == ZipFormat.zip64Extra {
        var cursor = position + 4
        let end = cursor + length
        func wide(_ value: UInt64) throws -> UInt64 {
          guard value == 0xFFFF_FFFF else { return value }
          guard cursor + 8 <= end else { throw malformed(file, "an extra field is damaged") }
          defer { cursor += 8 }
          return extra.integer(at: cursor, UInt64.self)
        }
        fields.size = try wide(fields.size)
        fields.compressed = try wide(fields.compressed)
        fields.offset = try wide(fields.offset)
        return
      }
      position += 4 + length
    }
  }

  private static func malformed(_ file: MappedFile, _ message: String) -> FileError {
    FileError(.malformed, path: file.path, "not a valid ZIP archive: \(message)", remedy: "get the file again")
  }

  private static func unsupported(_ file: MappedFile, _ message: String) -> FileError {
    FileError(.unsupported, path: file.path, message, remedy: "save it again with numpy.savez")
  }

  private static func damaged(_ path: String) -> FileError {
    FileError(
      .malformed, path: path, "damaged: the contents do not match their checksum", remedy: "get the file again")
  }
}

/// Numbers that the reader and the writer of archives share.
enum ZipFormat {
  static let localHeader: UInt32 = 0x0403_4B50
  static let directoryEntry: UInt32 = 0x0201_4B50
  static let endOfDirectory: UInt32 = 0x0605_4B50
  static let endOfDirectory64: UInt32 = 0x0606_4B50
  static let endLocator64: UInt32 = 0x0706_4B50
  static let zip64Extra: UInt16 = 0x0001
}

extension UnsafeRawBufferPointer {
  /// A little-endian integer at any offset; the caller has checked that it is inside.
  fileprivate func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, _ type: Integer.Type
  ) -> Integer {
    Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}
