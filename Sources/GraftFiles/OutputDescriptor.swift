#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file open for writing, with a buffer for small writes; closed with the object.
final class OutputDescriptor {
  /// The path in error messages, which may differ from the path that is open.
  let path: String
  /// The number of bytes written so far, the buffered ones included.
  private(set) var position = 0

  let descriptor: Int32
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 16

  /// Takes over an open descriptor.
  init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
    buffer.reserveCapacity(Self.bufferSize)
  }

  deinit { close(descriptor) }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    position += bytes.count
    if buffer.count + bytes.count <= Self.bufferSize {
      buffer.append(contentsOf: bytes)
      return
    }
    try flush()
    if bytes.count < Self.bufferSize {
      buffer.append(contentsOf: bytes)
    } else {
      try writeAll(bytes)
    }
  }

  /// Hands what is buffered to the operating system.
  func flush() throws {
    try buffer.withUnsafeBytes { try writeAll($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Flushes and waits until the disk has everything.
  func synchronize() throws {
    try flush()
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw FileError.system(errno, path: path, cannot: "write")
    }
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    // Linux writes at most 2 GiB at a time and some systems refuse more.
    let chunk = 1 << 30
    var rest = bytes
    while let base = rest.baseAddress, rest.count > 0 {
      let written = systemWrite(descriptor, base, min(rest.count, chunk))
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError.system(errno, path: path, cannot: "write")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, base, count)
}
