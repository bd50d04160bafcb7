#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Temporary files beside the file they will become: `.NAME.<16 hexadecimal digits>.graft-tmp`.
///
/// The process that writes one holds an advisory lock on it, so a file of this form that can be locked was left by
/// a process that was killed. That stays right when process numbers are reused and across containers.
enum TemporaryFiles {
  static let suffix = ".graft-tmp"
  private static let digits = 16

  /// Creates and locks an empty file for what will be at `place`.
  static func create(for place: Place) throws -> (path: String, output: OutputDescriptor) {
    let final = join(place.directory, place.name)
    for _ in 0..<100 {
      let path = join(place.directory, temporaryName(for: place.name))
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        let code = errno
        if code == EEXIST || code == EINTR { continue }
        throw FileError.system(code, path: final, cannot: "write")
      }
      let output = OutputDescriptor(descriptor: descriptor, path: final)
      flock(descriptor, LOCK_EX)
      // Another process may have taken the lock first and removed the file as abandoned.
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 {
        LiveTemporaryFiles.insert(path)
        return (path, output)
      }
    }
    throw FileError(.inputOutput, path: final, "cannot write: no temporary name is free")
  }

  /// Removes the temporary files in a directory whose writers are gone; what cannot be removed stays.
  static func removeAbandoned(in directory: String) {
    guard let stream = opendir(directory) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if isTemporary(name) { removeIfAbandoned(join(directory, name)) }
    }
  }

  /// Whether a file name has the form of our temporary files.
  static func isTemporary(_ name: String) -> Bool {
    guard name.hasPrefix("."), name.hasSuffix(suffix) else { return false }
    let stem = name.dropLast(suffix.count)
    let tail = stem.suffix(digits + 1)
    return stem.count > digits + 2 && tail.first == "."
      && tail.dropFirst().allSatisfy { $0.isHexDigit && $0.isASCII && !$0.isUppercase }
  }

  private static func removeIfAbandoned(_ path: String) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
  }

  /// A path beside `path` of the form of our temporary files, which nothing has.
  static func freshPath(beside path: String) throws -> String {
    let place = try Place(path)
    return join(place.directory, temporaryName(for: place.name))
  }

  private static func temporaryName(for name: String) -> String {
    let random = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    let padding = String(repeating: "0", count: digits - random.count)
    // Most file systems allow names of 255 bytes; a cut name still says whose it is.
    var stem = name
    while stem.utf8.count > 255 - digits - suffix.utf8.count - 2 { stem.removeLast() }
    return ".\(stem).\(padding)\(random)\(suffix)"
  }

  private static func join(_ directory: String, _ name: String) -> String {
    directory == "." ? name : directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }
}
