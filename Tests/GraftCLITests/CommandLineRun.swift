import Foundation

/// One execution of the program that was built with these tests.
struct CommandLineRun {
  var status: Int32
  var wasSignalled: Bool
  var output: String
  var error: String

  /// The program lies beside the test bundle.
  static let program: URL = {
    #if os(Linux)
      let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    #else
      let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL ?? Bundle.main.bundleURL
    #endif
    return tests.deletingLastPathComponent().appending(path: "graft")
  }()

  static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The environment of these tests, with the interpreter that they use.
  static var environment: [String: String] {
    var environment = ProcessInfo.processInfo.environment
    if environment["GRAFT_PYTHON"] == nil {
      environment["GRAFT_PYTHON"] = packageRoot.appending(path: ".venv/bin/python").path
    }
    environment["COLUMNS"] = "80"
    return environment
  }

  /// Runs the program to its end; `arguments` are split at blanks outside of quotes.
  init(_ arguments: String, in directory: URL) throws {
    let process = try Self.start(arguments, in: directory)
    process.process.waitUntilExit()
    status = process.process.terminationStatus
    wasSignalled = process.process.terminationReason == .uncaughtSignal
    output = try String(contentsOf: process.output, encoding: .utf8)
    error = try String(contentsOf: process.error, encoding: .utf8)
  }

  /// A process and the files that get what it prints.
  struct Started {
    var process: Process
    var output: URL
    var error: URL
  }

  static func start(_ arguments: String, in directory: URL) throws -> Started {
    let files = [UUID().uuidString + ".out", UUID().uuidString + ".err"].map {
      FileManager.default.temporaryDirectory.appending(path: $0)
    }
    for file in files { try Data().write(to: file) }
    let process = Process()
    process.executableURL = program
    process.arguments = split(arguments)
    process.currentDirectoryURL = directory
    process.environment = environment
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return Started(process: process, output: files[0], error: files[1])
  }

  private static func split(_ text: String) -> [String] {
    var (words, word, isQuoted) = ([String](), "", false)
    for character in text {
      if character == "'" {
        isQuoted.toggle()
      } else if character == " ", !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }
}

/// A folder of its own that is removed in the end.
final class Workspace {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "graft-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, to name: String) throws {
    try text.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
  }

  func read(_ name: String) throws -> String { try String(contentsOf: url.appending(path: name), encoding: .utf8) }

  func names(in folder: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.appending(path: folder).path).sorted()
  }

  func graft(_ arguments: String) throws -> CommandLineRun { try CommandLineRun(arguments, in: url) }
}
