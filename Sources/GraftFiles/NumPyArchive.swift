/// NumPy's `.npz` format: named arrays in a ZIP archive, stored or deflated.
package struct NumPyArchive: Sendable {
  /// The arrays' names, as `numpy.load` gives them (without `.npy`), in the archive's order.
  package let names: [String]

  private let archive: ZipReader
  private let members: [String: ZipReader.Member]

  /// Opens the archive at `path`. Throws `FileError` when it cannot be read or its directory is damaged.
  package init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// Opens an archive that is mapped already.
  package init(_ file: MappedFile) throws {
    archive = try ZipReader(file)
    var names: [String] = []
    var members: [String: ZipReader.Member] = [:]
    for member in archive.members where member.name.hasSuffix(".npy") {
      let name = String(member.name.dropLast(".npy".count))
      names.append(name)
      members[name] = member
    }
    self.names = names
    self.members = members
  }

  /// An array; a view of the mapped archive when it is stored, little-endian and in C order, else a copy.
  ///
  /// Throws `FileError` when there is no such array, its checksum is wrong, or `NumPyFile` would refuse it.
  package func array(named name: String) throws -> TensorData {
    guard let member = members[name] else {
      throw FileError(.invalidRequest, path: archive.file.path, "has no array named '\(printable(name))'")
    }
    let contents = try archive.contents(of: member)
    return try NumPyFile.read(
      contents.file, at: contents.offset, count: contents.count, path: "\(archive.file.path)/\(member.name)")
  }

  /// Writes arrays, stored, in the given order, as `numpy.savez` does; moved into place when complete.
  ///
  /// Throws `FileError`, also for duplicate names and dtypes that NumPy lacks.
  package static func write(_ arrays: [(name: String, data: TensorData)], to path: String) throws {
    try AtomicWriter.write(to: path) { try write(arrays, to: $0) }
  }

  /// Appends an archive to a writer that the caller commits.
  package static func write(_ arrays: [(name: String, data: TensorData)], to writer: AtomicWriter) throws {
    try write(arrays, ZipWriter(writer), path: writer.path)
  }

  static func write(_ arrays: [(name: String, data: TensorData)], _ zip: ZipWriter, path: String) throws {
    var zip = zip
    var names: Set<String> = []
    for (name, data) in arrays {
      guard names.insert(name).inserted else {
        throw FileError(.invalidRequest, path: path, "cannot write: two arrays named '\(printable(name))'")
      }
      let header = try NumPyHeader.bytes(dtype: data.dtype, shape: data.shape, path: path)
      try header.withUnsafeBytes { header in
        try data.withUnsafeBytes { try zip.add(name + ".npy", [header, $0]) }
      }
    }
    try zip.finish()
  }
}
