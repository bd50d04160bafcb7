#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The contents of a regular file, mapped read-only; pages are read when they are first touched.
///
/// The mapping lives as long as this object. A file that another process truncates while it is mapped is out
/// of scope: the operating system then ends the reader.
package final class MappedFile: Sendable {
  /// The path as it was given.
  package let path: String
  /// The length in bytes.
  package var count: Int { bytes.count }

  nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool
  /// Whether the pages can be read again from a file.
  private let isOfFile: Bool

  /// Maps the file at `path`; throws `FileError` when it is missing, not readable, or not a regular file.
  package init(path: String) throws {
    let descriptor = try openRetrying(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, cannot: "open")
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError.system(errno, path: path, cannot: "inspect") }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError.system(EISDIR, path: path, cannot: "read")
    default: throw FileError(.wrongFileType, path: path, "cannot read: not a regular file")
    }
    guard let length = Int(exactly: status.st_size), length >= 0 else {
      throw FileError(.unsupported, path: path, "cannot read: the file is too large for this machine")
    }
    if length == 0 {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      isMapped = false
    } else {
      guard let base = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
        throw FileError.system(errno, path: path, cannot: "map into memory")
      }
      bytes = UnsafeRawBufferPointer(start: base, count: length)
      isMapped = true
    }
    isOfFile = isMapped
    self.path = path
  }

  /// Contents that are already in memory, copied, under a name for error messages.
  package init(contents: [UInt8], path: String) {
    let copy = UnsafeMutableRawBufferPointer.allocate(
      byteCount: contents.count, alignment: TensorData.allocationAlignment)
    copy.copyBytes(from: contents)
    bytes = UnsafeRawBufferPointer(copy)
    isMapped = false
    isOfFile = false
    self.path = path
  }

  /// Contents of `count` bytes that `initialize` writes, under a name for error messages.
  ///
  /// Throws `FileError` when there is not so much memory, where an ordinary allocation would end the process: the
  /// count may come from a hostile file. Pages take memory when they are written.
  init(
    count: Int, path: String, initialize: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    if count > 0 {
      guard let base = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0), base != MAP_FAILED
      else { throw FileError.system(errno, path: path, cannot: "hold \(count) bytes in memory") }
      memory = UnsafeMutableRawBufferPointer(start: base, count: count)
    }
    bytes = UnsafeRawBufferPointer(memory)
    isMapped = count > 0
    isOfFile = false
    self.path = path
    // Every property is set, so `deinit` frees the memory when this throws.
    try initialize(memory)
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      bytes.deallocate()
    }
  }

  /// Calls `body` with `count` bytes from `offset` on; the pointer is valid during the call only.
  ///
  /// Throws `FileError` when the range is not inside the file.
  package func withBytes<Result>(
    at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let slice = try slice(at: offset, count: count)
    return try withExtendedLifetime(self) { try body(slice) }
  }

  /// Calls `body` with the whole contents; the pointer is valid during the call only.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// Lets the operating system have back the memory of the whole pages in `range`, which lies in the file; they are read
  /// again when they are next touched.
  func letGo(_ range: UnsafeRawBufferPointer) {
    guard isOfFile, let base = range.baseAddress else { return }
    let page = max(1, sysconf(Int32(_SC_PAGESIZE)))
    let start = (Int(bitPattern: base) + page - 1) / page * page
    let end = (Int(bitPattern: base) + range.count) / page * page
    guard start < end, let first = UnsafeMutableRawPointer(bitPattern: start) else { return }
    madvise(first, end - start, MADV_DONTNEED)
  }

  /// Bounds-checked bytes, valid as long as the caller keeps this object.
  func slice(at offset: Int, count: Int) throws -> UnsafeRawBufferPointer {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw FileError(
        .malformed, path: path,
        "truncated: \(count) bytes are expected at byte \(offset), the file has \(bytes.count)",
        remedy: "get the file again")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }
}

/// `open` that is repeated when a signal interrupts it; throws `FileError`.
func openRetrying(_ path: String, _ flags: Int32, mode: mode_t = 0, cannot action: String) throws -> Int32 {
  guard !path.utf8.contains(0) else {
    throw FileError(.invalidRequest, path: path, "cannot \(action): the path contains a NUL character")
  }
  while true {
    let descriptor = open(path, flags, mode)
    if descriptor >= 0 { return descriptor }
    if errno != EINTR { throw FileError.system(errno, path: path, cannot: action) }
  }
}
