package import GraftIR

/// Writes safetensors files that are the same, byte for byte, for the same tensors and metadata.
///
/// Tensors are ordered as the reference implementation orders them: by dtype, wide ones first, then by name in
/// UTF-8 order; metadata is sorted by key; the header is padded with spaces to a multiple of 8 bytes.
package struct SafetensorsWriter {
  /// A tensor to write: what it is, and how its bytes come.
  package struct Entry {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    fileprivate let produce: (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// A tensor that exists.
    package init(name: String, _ data: TensorData) {
      self.init(name: name, dtype: data.dtype, shape: data.shape) { sink in
        try data.withUnsafeBytes { try sink($0) }
      }
    }

    /// A tensor whose row-major bytes are produced when their turn comes, in pieces of any size.
    ///
    /// - Parameter produce: calls its argument with one piece after the other; the pieces must add up to what
    ///   dtype and shape need. The pointers are used during those calls only.
    package init(
      name: String, dtype: DType, shape: [Int],
      produce: @escaping (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.produce = produce
    }
  }

  private let entries: [Entry]
  private let header: String
  private let byteCounts: [Int]

  /// Orders the tensors and builds the header.
  ///
  /// Throws `FileError` for duplicate or reserved names, duplicate metadata keys, a dtype that the format lacks, and
  /// a header over the format's limit.
  package init(_ entries: [Entry], metadata: [(key: String, value: String)] = []) throws {
    var ranked: [(rank: Int, entry: Entry)] = []
    for entry in entries {
      guard let rank = SafetensorsFormat.dtypes.firstIndex(where: { $0.dtype == entry.dtype }) else {
        throw Self.invalid("tensor '\(printable(entry.name))': safetensors has no dtype \(entry.dtype.rawValue)")
      }
      ranked.append((rank, entry))
    }
    ranked.sort { first, second in
      first.rank == second.rank
        ? first.entry.name.utf8.lexicographicallyPrecedes(second.entry.name.utf8) : first.rank < second.rank
    }
    var members = try Self.metadataMembers(metadata)
    var names: Set<String> = [SafetensorsFormat.metadataKey]
    var byteCounts: [Int] = []
    var position = 0
    for (rank, entry) in ranked {
      guard names.insert(entry.name).inserted else {
        throw Self.invalid("tensor name '\(printable(entry.name))' is used twice or reserved")
      }
      let length = try Self.byteCount(of: entry)
      let (end, overflow) = position.addingReportingOverflow(length)
      guard !overflow else { throw Self.invalid("the tensors are larger than a file can be") }
      let shape = entry.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(jsonLiteral(entry.name)):{\"dtype\":\"\(SafetensorsFormat.dtypes[rank].name)\","
          + "\"shape\":[\(shape)],\"data_offsets\":[\(position),\(end)]}")
      byteCounts.append(length)
      position = end
    }
    let json = "{" + members.joined(separator: ",") + "}"
    header = json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
    guard header.utf8.count <= SafetensorsFormat.maximumHeaderLength else {
      throw Self.invalid("a header of \(header.utf8.count) bytes; the format allows 100,000,000")
    }
    self.entries = ranked.map(\.entry)
    self.byteCounts = byteCounts
  }

  /// Writes the file at `path`, moved into place when complete.
  package func write(to path: String) throws { try AtomicWriter.write(to: path) { try write(to: $0) } }

  /// Appends the file's bytes to a writer that the caller commits.
  package func write(to writer: AtomicWriter) throws {
    try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try writer.write($0) }
    try writer.write(header)
    for (entry, expected) in zip(entries, byteCounts) {
      let start = writer.position
      try entry.produce { piece in
        guard piece.count <= expected - (writer.position - start) else {
          throw Self.invalid("tensor '\(printable(entry.name))' produced more than its \(expected) bytes", writer.path)
        }
        try writer.write(piece)
      }
      guard writer.position - start == expected else {
        throw Self.invalid(
          "tensor '\(printable(entry.name))' produced \(writer.position - start) of \(expected) bytes", writer.path)
      }
    }
  }

  private static func metadataMembers(_ metadata: [(key: String, value: String)]) throws -> [String] {
    guard !metadata.isEmpty else { return [] }
    let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (first, second) in zip(sorted, sorted.dropFirst()) where first.key == second.key {
      throw invalid("metadata key '\(printable(first.key))' is used twice")
    }
    let pairs = sorted.map { "\(jsonLiteral($0.key)):\(jsonLiteral($0.value))" }.joined(separator: ",")
    return ["\(jsonLiteral(SafetensorsFormat.metadataKey)):{\(pairs)}"]
  }

  private static func byteCount(of entry: Entry) throws -> Int {
    do {
      return try TensorData.byteCount(dtype: entry.dtype, shape: entry.shape)
    } catch {
      throw invalid("tensor '\(printable(entry.name))': \(error)")
    }
  }

  private static func invalid(_ message: String, _ path: String = "safetensors") -> FileError {
    FileError(.invalidRequest, path: path, "cannot write: \(message)")
  }
}
