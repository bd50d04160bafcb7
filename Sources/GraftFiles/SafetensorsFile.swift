package import GraftIR

/// A safetensors file, opened for reading: the header is read and checked, tensors are views of the mapped file.
package struct SafetensorsFile: Sendable {
  /// A tensor's entry in the header.
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    /// The first byte in the file.
    package let offset: Int
    /// The number of bytes.
    package let byteCount: Int
  }

  /// The path as it was given.
  package var path: String { file.path }
  /// The tensors in the order in which they lie in the file.
  package let entries: [Entry]
  /// The file's metadata, sorted by key in UTF-8 order.
  package let metadata: [(key: String, value: String)]

  private let file: MappedFile
  private let indices: [String: Int]

  /// Opens the file at `path`; throws `FileError` when it cannot be read or breaks a rule of the format.
  package init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// Reads and checks the header of a file that is mapped already.
  package init(_ file: MappedFile) throws {
    let header = try HeaderParser.parse(file)
    self.file = file
    entries = header.entries
    indices = header.indices
    metadata = header.metadata
  }

  /// The names of all tensors, in file order.
  package var names: [String] { entries.map(\.name) }

  /// The header entry of a tensor, or nil when the file has no such tensor.
  package func entry(named name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// The value of a metadata key, or nil.
  package func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }

  /// A tensor, without reading or copying its bytes; throws `FileError` when the file has no such tensor.
  package func tensor(named name: String) throws -> TensorData {
    guard let entry = entry(named: name) else {
      throw FileError(.invalidRequest, path: path, "has no tensor named '\(printable(name))'")
    }
    return try TensorData(dtype: entry.dtype, shape: entry.shape, file: file, offset: entry.offset)
  }
}

/// Reads the header of a safetensors file and checks it against the format.
private struct HeaderParser {
  var entries: [SafetensorsFile.Entry] = []
  var indices: [String: Int] = [:]
  var metadata: [(key: String, value: String)] = []

  private let path: String
  private let dataOffset: Int
  private let dataLength: Int

  static func parse(_ file: MappedFile) throws -> HeaderParser {
    guard file.count >= 8 else {
      throw malformed(file.path, file.count == 0 ? "the file is empty" : "the file is shorter than 8 bytes")
    }
    let length = try file.withBytes(at: 0, count: 8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length <= SafetensorsFormat.maximumHeaderLength else {
      throw malformed(file.path, "a header of \(length) bytes; the format allows 100,000,000")
    }
    let headerLength = Int(length)
    guard headerLength <= file.count - 8 else {
      throw malformed(file.path, "a header of \(length) bytes in a file of \(file.count): truncated?")
    }
    return try file.withBytes(at: 8, count: headerLength) { bytes in
      guard bytes.first == UInt8(ascii: "{") else { throw malformed(file.path, "the header does not begin with '{'") }
      let dataOffset = 8 + headerLength
      var parser = HeaderParser(path: file.path, dataOffset: dataOffset, dataLength: file.count - dataOffset)
      do {
        try parser.readHeader(bytes)
      } catch let error as JSONError {
        throw malformed(file.path, "the header is damaged at byte \(8 + error.offset): \(error.message)")
      }
      try parser.checkLayout()
      return parser
    }
  }

  private init(path: String, dataOffset: Int, dataLength: Int) {
    self.path = path
    self.dataOffset = dataOffset
    self.dataLength = dataLength
  }

  private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws {
    var parser = self
    var seenMetadata = false
    var reader = JSONReader(bytes)
    try reader.readObject { reader, key in
      if key != SafetensorsFormat.metadataKey { return try parser.readTensor(named: key, from: &reader) }
      guard !seenMetadata else { throw Self.malformed(parser.path, "two metadata entries") }
      seenMetadata = true
      try parser.readMetadata(from: &reader)
    }
    try reader.readEnd()
    self = parser
  }

  private mutating func readMetadata(from reader: inout JSONReader) throws {
    var pairs: [(key: String, value: String)] = []
    var keys: Set<String> = []
    let path = path
    try reader.readObject { reader, key in
      guard keys.insert(key).inserted else {
        throw Self.malformed(path, "two metadata entries named '\(printable(key))'")
      }
      pairs.append((key, try reader.readString()))
    }
    metadata = pairs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  private mutating func readTensor(named name: String, from reader: inout JSONReader) throws {
    guard indices.updateValue(entries.count, forKey: name) == nil else {
      throw Self.malformed(path, "two tensors named '\(printable(name))'")
    }
    var dtypeName: String?
    var shape: [Int]?
    var range: [Int]?
    let path = path
    var fields: Set<String> = []
    try reader.readObject { reader, key in
      guard fields.insert(key).inserted else {
        throw Self.malformed(path, "tensor '\(printable(name))' has two '\(printable(key))' fields")
      }
      switch key {
      case "dtype": dtypeName = try reader.readString()
      case "shape": shape = try Self.readIntegers(from: &reader, limit: TensorData.maximumRank, "axes", name, path)
      case "data_offsets": range = try Self.readIntegers(from: &reader, limit: 2, "data offsets", name, path)
      default: try reader.skipValue()
      }
    }
    guard let dtypeName, let shape, let range, range.count == 2 else {
      throw Self.malformed(path, "tensor '\(printable(name))' lacks its dtype, shape or data_offsets")
    }
    entries.append(try entry(name, dtypeName, shape, begin: range[0], end: range[1]))
  }

  private static func readIntegers(
    from reader: inout JSONReader, limit: Int, _ what: String, _ name: String, _ path: String
  ) throws -> [Int] {
    var values: [Int] = []
    try reader.readArray { reader in
      guard values.count < limit else {
        throw malformed(path, "tensor '\(printable(name))' has more than \(limit) \(what)")
      }
      values.append(try reader.readNonNegativeInteger())
    }
    return values
  }

  private func entry(
    _ name: String, _ dtypeName: String, _ shape: [Int], begin: Int, end: Int
  ) throws -> SafetensorsFile.Entry {
    guard let dtype = SafetensorsFormat.dtypes.first(where: { $0.name == dtypeName })?.dtype else {
      throw FileError(
        .unsupported, path: path, "tensor '\(printable(name))' has dtype '\(printable(dtypeName))', which Graft lacks",
        remedy: "convert the tensor to a supported dtype before saving it")
    }
    guard begin <= end, end <= dataLength else {
      throw Self.malformed(
        path, "tensor '\(printable(name))' spans bytes \(begin) to \(end) of \(dataLength) bytes of data: truncated?")
    }
    let expected: Int
    do {
      expected = try TensorData.byteCount(dtype: dtype, shape: shape)
    } catch {
      throw Self.malformed(path, "tensor '\(printable(name))' has \(error)")
    }
    guard end - begin == expected else {
      throw Self.malformed(
        path, "tensor '\(printable(name))' spans \(end - begin) bytes; its dtype and shape need \(expected)")
    }
    return SafetensorsFile.Entry(
      name: name, dtype: dtype, shape: shape, offset: dataOffset + begin, byteCount: expected)
  }

  /// Sorts the tensors by position and checks that they cover the data without gap or overlap.
  private mutating func checkLayout() throws {
    entries.sort { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
    var position = dataOffset
    for (index, entry) in entries.enumerated() {
      guard entry.offset == position else {
        let fault = entry.offset < position ? "overlaps the tensor before it" : "leaves a gap before it"
        throw Self.malformed(path, "tensor '\(printable(entry.name))' \(fault)")
      }
      position += entry.byteCount
      indices[entry.name] = index
    }
    guard position == dataOffset + dataLength else {
      throw Self.malformed(path, "\(dataOffset + dataLength - position) bytes after the last tensor")
    }
  }

  private static func malformed(_ path: String, _ message: String) -> FileError {
    FileError(
      .malformed, path: path, "not a valid safetensors file: \(message)",
      remedy: "get the file again, or save it again with the safetensors library")
  }
}
