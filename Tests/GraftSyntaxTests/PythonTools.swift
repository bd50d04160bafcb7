import Foundation

/// The Python interpreter and ruff that renderings are checked with: those of `$GRAFT_PYTHON`, or of the package's
/// `.venv`.
enum PythonTools {
  static let python = tool("python")
  static let ruff = tool("ruff")
  static var areAvailable: Bool { python != nil && ruff != nil }

  private static func tool(_ name: String) -> URL? {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var directories = [root.appending(path: ".venv/bin")]
    if let python = ProcessInfo.processInfo.environment["GRAFT_PYTHON"] {
      directories.insert(URL(filePath: python).deletingLastPathComponent(), at: 0)
    }
    return directories.map { $0.appending(path: name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What `executable` writes to standard output for `input`.
  static func run(_ executable: URL?, _ arguments: [String], input: String) throws -> String {
    guard let executable else { throw Failure(description: "no such tool") }
    let directory = FileManager.default.temporaryDirectory.appending(path: "graft-syntax-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let inputFile = directory.appending(path: "input")
    let outputFile = directory.appending(path: "output")
    let errorFile = directory.appending(path: "error")
    try Data(input.utf8).write(to: inputFile)
    for file in [outputFile, errorFile] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      let error = try String(contentsOf: errorFile, encoding: .utf8)
      throw Failure(description: error + Self.line(namedIn: error, of: input))
    }
    return try String(contentsOf: outputFile, encoding: .utf8)
  }

  /// The line that an error message like `module.py:33:14: ...` points at.
  private static func line(namedIn error: String, of input: String) -> String {
    let lines = input.split(separator: "\n", omittingEmptySubsequences: false)
    guard let number = error.split(separator: ":").lazy.compactMap({ Int($0) }).first,
      lines.indices.contains(number - 1)
    else { return "" }
    return String(lines[number - 1])
  }

  /// `source` as `ruff format` with its default settings writes it.
  static func formatted(_ source: String) throws -> String {
    try run(ruff, ["format", "--isolated", "--stdin-filename", "module.py", "-"], input: source)
  }

  /// `source` with its imports as ruff's isort rules put them.
  static func sorted(_ source: String) throws -> String {
    try run(
      ruff, ["check", "--isolated", "--select", "I", "--fix", "--quiet", "--stdin-filename", "module.py", "-"],
      input: source)
  }

  /// `ast.dump` of each top-level statement of `source`, one per line.
  static func dumps(_ source: String) throws -> [String] {
    let program = """
      import ast, sys
      sys.setrecursionlimit(100000)
      for statement in ast.parse(sys.stdin.read()).body:
          print(ast.dump(statement))
      """
    let output = try run(python, ["-c", program], input: source)
    return output.split(separator: "\n").map(String.init)
  }
}
