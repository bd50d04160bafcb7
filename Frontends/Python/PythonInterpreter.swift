/// A CPython installation, or a virtual environment of one, that can be loaded into this process.
package struct PythonInterpreter: Sendable, Hashable, Codable {
  /// Where the choice came from.
  package enum Origin: String, Sendable, Hashable, Codable {
    case option = "--python"
    case graftPython = "$GRAFT_PYTHON"
    case virtualEnvironment = "$VIRTUAL_ENV"
    case localEnvironment = "./.venv"
    case path = "python3 on PATH"
  }

  package struct Version: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package var major: Int
    package var minor: Int
    package var micro: Int

    package init(_ major: Int, _ minor: Int, _ micro: Int) {
      self.major = major
      self.minor = minor
      self.micro = micro
    }

    package static func < (a: Version, b: Version) -> Bool {
      (a.major, a.minor, a.micro) < (b.major, b.minor, b.micro)
    }

    package var description: String { "\(major).\(minor).\(micro)" }
  }

  /// The oldest version whose stable ABI has what Graft calls.
  package static let minimumVersion = Version(3, 10, 0)

  /// The absolute path of the interpreter, that of the virtual environment where there is one.
  package var executable: String
  package var version: Version
  /// `sys.prefix`: the virtual environment, or the installation.
  package var prefix: String
  /// `sys.base_prefix`: the installation.
  package var basePrefix: String
  /// The absolute path of the shared library.
  package var library: String
  /// `sysconfig.get_platform()`, for example `linux-x86_64`.
  package var platform: String
  package var origin: Origin
}
