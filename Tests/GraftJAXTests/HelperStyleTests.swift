import Foundation
import GraftSyntax
import Testing

@testable import GraftEmit
@testable import GraftJAX

/// ruff beside the interpreter of `$GRAFT_PYTHON`, or of the package's `.venv`.
private let ruff: URL? = {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  var folders = [root.appending(path: ".venv/bin")]
  if let python = ProcessInfo.processInfo.environment["GRAFT_PYTHON"] {
    folders.insert(URL(filePath: python).deletingLastPathComponent(), at: 0)
  }
  return folders.map { $0.appending(path: "ruff") }.first { FileManager.default.isExecutableFile(atPath: $0.path) }
}()

@Suite struct HelperStyleTests {
  /// Every helper with every choice of its options, one file each; a key is passed with a rate only.
  @Test(.enabled(if: ruff != nil)) func everyTrimmedHelperIsCleanAndFormatted() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "graft-helpers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let library = JAXTarget().helpers
    var count = 0
    for helper in library.helpers.values {
      for (number, usage) in choices(helper.options.sorted(), entries: helper.entries).enumerated()
      where usage["rng"] == usage["dropout_rate"] {
        let trimmed = helper.specialised(usage)
        let others = library.closure(of: [helper.name]).filter { $0.name != helper.name }.map { $0.specialised([:]) }
        var imports = ImportSet(aliases: JAXTarget().aliases)
        for helper in others + [trimmed] { imports.require(names: helper.references) }
        let source = PythonModule(
          imports: imports.statements, statements: (others + [trimmed]).map { .source($0.source) }
        ).rendered()
        #expect(!trimmed.source.contains("# if "), "\(helper.name) \(usage)")
        try Data(source.utf8).write(to: folder.appending(path: "\(helper.name)_\(number).py"))
        count += 1
      }
    }
    #expect(count > library.helpers.count)
    let checked = try findings(["check", "--isolated", "--no-cache", "--select", "E4,E7,E9,F,N,ARG"], folder)
    let formatted = try findings(["format", "--isolated", "--no-cache", "--diff"], folder)
    #expect(checked.isEmpty, "\(checked)")
    #expect(formatted.isEmpty, "\(formatted)")
  }

  private func choices(_ options: [String], entries: Set<String>) -> [[String: HelperUsage]] {
    options.reduce([[:]]) { known, option in
      let usages: [HelperUsage] =
        switch option {
        case "causal": [.never, .sometimes, .fixed(true)]
        case "scale": [.never, .sometimes, .fixed(.float(0.125)), .fixed(1.0)]
        case "mask", "boolean_mask": [.never, .sometimes, .always]
        case _ where entries.contains(option): [.never, .sometimes, .always]
        default: [.never, .always]
        }
      return known.flatMap { choice in usages.map { choice.merging([option: $0]) { _, new in new } } }
    }
  }

  /// What ruff says when it is not content.
  private func findings(_ arguments: [String], _ folder: URL) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = ruff
    process.arguments = arguments + [folder.path]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? "" : String(decoding: data, as: UTF8.self)
  }
}
