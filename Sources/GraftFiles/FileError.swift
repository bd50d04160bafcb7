#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a file could not be read or written, in one line, with what to do about it.
package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, for callers that react to it; people read `message`.
  package enum Kind: String, Sendable {
    /// Nothing exists at the path.
    case notFound
    /// The path exists and this user may not use it.
    case permissionDenied
    /// A directory is where a file was expected.
    case isDirectory
    /// A device, pipe or socket is where a file was expected, or a file where a directory was.
    case wrongFileType
    /// The disk, the quota or the file size limit is exhausted.
    case noSpace
    /// The contents break the rules of the format.
    case malformed
    /// The contents are valid and hold something that Graft does not read or write.
    case unsupported
    /// The caller asked for something that cannot be: a name that is absent, a shape that does not fit.
    case invalidRequest
    /// Any other failure of the operating system.
    case inputOutput
  }

  package let kind: Kind
  /// The file, as the user named it; for a member of an archive, `archive.npz/member.npy`.
  package let path: String
  /// What is wrong, without the path, on one line.
  package let message: String
  /// What the user can do about it, on one line, when there is something.
  package let remedy: String?

  package init(_ kind: Kind, path: String, _ message: String, remedy: String? = nil) {
    self.kind = kind
    self.path = path
    self.message = message
    self.remedy = remedy
  }

  /// `path: message`, on one line.
  package var description: String { "\(printable(path, limit: 4096)): \(message)" }

  /// The error for a failed system call; `action` completes "cannot ...".
  static func system(_ code: Int32, path: String, cannot action: String) -> FileError {
    let cause = "cannot \(action): \(String(cString: strerror(code)))"
    switch code {
    case ENOENT:
      return FileError(.notFound, path: path, cause, remedy: "check the spelling of the path")
    case EACCES, EPERM, EROFS:
      return FileError(
        .permissionDenied, path: path, cause, remedy: "change its permissions, or choose another folder")
    case EISDIR:
      return FileError(.isDirectory, path: path, cause, remedy: "name a file, not a directory")
    case ENOTDIR:
      return FileError(.wrongFileType, path: path, cause, remedy: "a part of the path is a file, not a directory")
    case ENOSPC, EDQUOT:
      return FileError(.noSpace, path: path, cause, remedy: "free some space, or choose another disk")
    case EFBIG:
      return FileError(.noSpace, path: path, cause, remedy: "raise the file size limit (`ulimit -f`)")
    default:
      return FileError(.inputOutput, path: path, cause)
    }
  }
}

/// Text from outside made fit for a one-line message: control characters escaped, long text cut.
func printable(_ text: String, limit: Int = 120) -> String {
  var result = ""
  var length = 0
  for scalar in text.unicodeScalars {
    if length == limit { return result + "..." }
    length += 1
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default:
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}
