import GraftIR

/// Files of `torch.save`: a ZIP archive of a pickle and the storages that its tensors view.
package enum TorchFile {
  /// The most values that a file may hold, each counted as often as others refer to it.
  private static let limit = 1 << 20
  private static let depth = 64

  /// Reads a file as `torch.load(..., weights_only=True)` does. Nothing in it is executed. Throws `FileError`.
  package static func read(path: String) throws -> TorchValue {
    let archive = try ZipReader(MappedFile(path: path))
    guard let program = archive.members.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
      throw FileError(
        .malformed, path: path, "not a file of torch.save: it has no data.pkl",
        remedy: "save it again with torch.save, which writes an archive since PyTorch 1.6")
    }
    let root = program.name.dropLast("data.pkl".count)
    var reader = PickleReader(try bytes(of: program, in: archive), path: path)
    defer { reader.clear() }
    var builder = Builder(archive: archive, root: String(root), path: path)
    try builder.checkByteOrder()
    return try builder.value(reader.read(), depth: 0)
  }

  fileprivate static func bytes(of member: ZipReader.Member, in archive: ZipReader) throws -> [UInt8] {
    let contents = try archive.contents(of: member)
    return try contents.file.withBytes(at: contents.offset, count: contents.count) { Array($0) }
  }

  /// The element types by the names of torch's storages.
  static let storages: [(name: String, dtype: DType)] = [
    ("torch FloatStorage", .float32), ("torch DoubleStorage", .float64), ("torch HalfStorage", .float16),
    ("torch BFloat16Storage", .bfloat16), ("torch LongStorage", .int64), ("torch IntStorage", .int32),
    ("torch ShortStorage", .int16), ("torch CharStorage", .int8), ("torch ByteStorage", .uint8),
    ("torch BoolStorage", .bool),
  ]

  /// Turns what a pickle built into values.
  private struct Builder {
    let archive: ZipReader
    let root: String
    let path: String
    var count = 0

    func checkByteOrder() throws {
      guard let member = archive.members.first(where: { $0.name == root + "byteorder" }) else { return }
      guard try TorchFile.bytes(of: member, in: archive) == Array("little".utf8) else {
        throw FileError(.unsupported, path: path, "its numbers have their highest bytes first, which is not read")
      }
    }

    mutating func value(_ value: PickleValue, depth: Int) throws -> TorchValue {
      count += 1
      guard count <= TorchFile.limit, depth <= TorchFile.depth else {
        throw FileError(
          .malformed, path: path, "not a valid file of torch.save: it holds too many values within others")
      }
      switch value {
      case .none: return .none
      case .bool(let value): return .bool(value)
      case .int(let value): return .int(value)
      case .float(let value): return .float(value)
      case .string(let value): return .string(value)
      case .tuple(let values, _): return .list(try values.map { try self.value($0, depth: depth + 1) })
      case .list(let list): return .list(try list.values.map { try self.value($0, depth: depth + 1) })
      case .dictionary(let dictionary):
        return .dictionary(
          try dictionary.entries.map {
            (key: try self.value($0.key, depth: depth + 1), value: try self.value($0.value, depth: depth + 1))
          })
      case .tensor(let layout): return .tensor(try tensor(layout))
      case .global(let name): return .string(name)
      case .storage, .mark: throw FileError(.malformed, path: path, "not a valid pickle: a storage without a tensor")
      }
    }

    private func tensor(_ layout: TorchTensorLayout) throws -> TensorData {
      guard let dtype = TorchFile.storages.first(where: { $0.name == layout.dtype })?.dtype else {
        throw FileError(.unsupported, path: path, "holds a \(printable(layout.dtype)), which is not read")
      }
      guard let member = archive.members.first(where: { $0.name == "\(root)data/\(layout.storage)" }) else {
        throw FileError(.malformed, path: path, "lacks the storage '\(printable(layout.storage))'")
      }
      let contents = try archive.contents(of: member)
      let width = dtype.byteWidth
      func invalid(_ message: String) -> FileError { FileError(.malformed, path: path, "holds a tensor \(message)") }
      let byteCount: Int
      do {
        byteCount = try TensorData.byteCount(dtype: dtype, shape: layout.shape)
      } catch { throw invalid("that cannot be: \(error)") }
      // The last element that is read decides, as strides are not negative.
      var last = layout.offset
      for (extent, stride) in zip(layout.shape, layout.strides) where byteCount > 0 {
        let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, tooFar) = last.addingReportingOverflow(reach)
        guard stride >= 0, !overflow, !tooFar else { throw invalid("with impossible strides") }
        last = sum
      }
      guard layout.offset >= 0, byteCount == 0 || last < contents.count / width else {
        throw invalid("that goes on after its storage")
      }
      // A stride of zero repeats elements: the file may not make more of these than it has bytes.
      guard byteCount <= contents.count else { throw invalid("of more elements than its storage has") }
      return try contents.file.withBytes(at: contents.offset, count: contents.count) { source in
        try TensorData(dtype: dtype, shape: layout.shape) { target in
          var index = Array(repeating: 0, count: layout.shape.count)
          for element in 0..<byteCount / width {
            let position = zip(index, layout.strides).reduce(layout.offset) { $0 + $1.0 * $1.1 }
            UnsafeMutableRawBufferPointer(rebasing: target[element * width..<(element + 1) * width])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[position * width..<(position + 1) * width]))
            for axis in index.indices.reversed() {
              index[axis] += 1
              if index[axis] < layout.shape[axis] { break }
              index[axis] = 0
            }
          }
        }
      }
    }
  }
}
