import Foundation
import GraftIR

/// A `.graft` package that was named itself, or by the folder that `graft transpile` wrote it to.
struct PackageLocation {
  /// The package's path.
  let package: String
  /// What the folder says of it, if it is one of `graft transpile`.
  let manifest: Manifest?

  /// - Throws: ``Diagnostic`` for a folder without a manifest.
  init(_ url: URL) throws {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory), isDirectory.boolValue {
      let found = try Manifest.read(from: url.path)
      manifest = found
      package = url.appending(path: try found.file("package")).path
    } else {
      package = url.path
      let beside = try? Manifest.read(from: url.deletingLastPathComponent().path)
      manifest = (try? beside?.file("package")) == url.lastPathComponent ? beside : nil
    }
  }
}
