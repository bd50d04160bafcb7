package import Foundation

/// A Python script beside the tests, run by the Python that has the frameworks: `$GRAFT_PYTHON`, else `.venv` of the checkout.
package enum PythonScript {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
  }

  /// Runs a script to its end; what it prints goes where the tests' own output goes.
  ///
  /// - Throws: ``Failure`` with the end of what it wrote to its standard error, when it ends with another status than 0.
  package static func run(
    _ script: URL, _ arguments: [String], environment: [String: String] = [:]
  ) throws {
    let own = ProcessInfo.processInfo.environment
    let process = Process()
    process.executableURL = URL(filePath: own["GRAFT_PYTHON"] ?? root.appending(path: ".venv/bin/python").path)
    process.arguments = [script.path] + arguments
    process.environment = own.merging(environment) { own, _ in own }
    process.standardInput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure("\(script.lastPathComponent): \(String(decoding: text.suffix(2000), as: UTF8.self))")
    }
  }

  private static var root: URL {
    var folder = URL(filePath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    return folder
  }
}
