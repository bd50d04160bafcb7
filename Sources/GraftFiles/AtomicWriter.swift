#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes a file under a temporary name beside its place and moves it there when it is complete.
///
/// Until `commit` returns, the place holds what it held before. An error, `discard`, or the end of the object's life
/// removes the temporary file; one that a killed process left is removed by the next writer in that directory.
/// Parent directories that are missing are created. Throws `FileError`.
package final class AtomicWriter {
  /// The place of the finished file, as it was given.
  package let path: String
  /// The number of bytes written so far.
  package var position: Int { output.position }

  /// Where the bytes are until `commit`.
  package let temporaryPath: String
  private let output: OutputDescriptor
  private var isFinished = false

  package init(path: String) throws {
    let place = try Place(path)
    self.path = path
    try makeDirectories(place.directory)
    TemporaryFiles.removeAbandoned(in: place.directory)
    (temporaryPath, output) = try TemporaryFiles.create(for: place)
    if let mode = place.existingMode { fchmod(output.descriptor, mode) }
  }

  deinit { discard() }

  /// Writes a file in one go: opens, calls `body`, commits; on an error nothing is left.
  package static func write<Result>(to path: String, _ body: (AtomicWriter) throws -> Result) throws -> Result {
    let writer = try AtomicWriter(path: path)
    do {
      let result = try body(writer)
      try writer.commit()
      return result
    } catch {
      writer.discard()
      throw error
    }
  }

  /// Appends bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws { try output.write(bytes) }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try output.write($0) } }

  /// Appends text as UTF-8.
  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try output.write(UnsafeRawBufferPointer($0)) }
  }

  /// Hands everything written so far to the operating system, so that others can read it at `temporaryPath`.
  package func flush() throws { try output.flush() }

  /// Waits until the disk has the file, then moves it into place.
  package func commit() throws {
    try prepare()
    try moveIntoPlace()
    synchronizeDirectory(of: path)
  }

  /// Removes the temporary file; does nothing after `commit`.
  package func discard() {
    guard !isFinished else { return }
    isFinished = true
    unlink(temporaryPath)
    LiveTemporaryFiles.remove(temporaryPath)
  }

  /// The first half of `commit`: the temporary file is complete on disk.
  func prepare() throws { try output.synchronize() }

  /// The second half of `commit`.
  func moveIntoPlace() throws {
    guard !isFinished else {
      throw FileError(.invalidRequest, path: path, "cannot write: the writer is finished already")
    }
    guard rename(temporaryPath, path) == 0 else {
      throw FileError.system(errno, path: path, cannot: "move the finished file into place")
    }
    isFinished = true
    LiveTemporaryFiles.remove(temporaryPath)
  }
}

/// Where a file goes: checked to be a name in a directory and not to be occupied by anything but a file.
struct Place {
  let directory: String
  let name: String
  /// The permissions of the file that is there now, when there is one.
  let existingMode: mode_t?

  init(_ path: String) throws {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FileError(.invalidRequest, path: path, "cannot write: not a file name")
    }
    if let slash = path.lastIndex(of: "/") {
      directory = slash == path.startIndex ? "/" : String(path[..<slash])
      name = String(path[path.index(after: slash)...])
    } else {
      directory = "."
      name = path
    }
    guard !name.isEmpty, name != ".", name != ".." else {
      throw FileError.system(EISDIR, path: path, cannot: "write")
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      existingMode = nil
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: existingMode = status.st_mode & 0o777
    case S_IFDIR: throw FileError.system(EISDIR, path: path, cannot: "write")
    default:
      throw FileError(
        .wrongFileType, path: path, "cannot write: not a regular file", remedy: "name a file that is to be replaced")
    }
  }
}

/// Creates a directory and the missing ones above it.
func makeDirectories(_ directory: String) throws {
  var status = stat()
  if stat(directory, &status) == 0 {
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(
        .wrongFileType, path: directory, "cannot write into it: it is a file, not a directory",
        remedy: "choose another folder, or move the file away")
    }
    return
  }
  var trimmed = Substring(directory)
  while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
  if let slash = trimmed.lastIndex(of: "/"), slash != trimmed.startIndex {
    try makeDirectories(String(trimmed[..<slash]))
  }
  guard mkdir(directory, 0o777) == 0 || errno == EEXIST else {
    throw FileError.system(errno, path: directory, cannot: "create the directory")
  }
}

/// Makes a rename durable; a failure leaves the rename in force, so it is not an error.
func synchronizeDirectory(of path: String) {
  guard let directory = try? Place(path).directory else { return }
  let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}
