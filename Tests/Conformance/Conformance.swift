import ArgumentParser
import Foundation
import Graft

/// Converts real models and functions and verifies each: one line a case, and a count.
@main
struct Conformance: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graft-conformance",
    abstract: "Convert models and functions from PyTorch to JAX and verify each.")

  @Argument(help: "Parts of `group/name`: only cases that contain one of them.")
  var words: [String] = []

  @Flag(help: "List the cases and run none.")
  var list = false

  @Option(help: "Write the results as JSON.", completion: .file())
  var json: String?

  @Option(help: "Write the results as a Markdown page.", completion: .file())
  var markdown: String?

  @Option(
    name: .customLong("from"), help: "Run nothing: take the results of an earlier run, as JSON; repeatable.",
    completion: .file())
  var earlier: [String] = []

  @Option(help: "The folder of the case files.", completion: .directory)
  var cases = "Tests/Conformance/Cases"

  @Option(help: "Keep what is converted in this folder.", completion: .directory)
  var output: String?

  @Flag(help: "Run the packages natively, instead of the emitted source in its framework.")
  var native = false

  @Flag(help: "Verify the sources of the gradients too.")
  var gradient = false

  @Option(help: .hidden)
  var worker: Group?

  @Option(help: .hidden)
  var journal: String?

  @Option(help: .hidden)
  var exclude: [String] = []

  @Flag(help: .hidden)
  var repeated = false

  /// Only the cases that need XLA's optimiser.
  @Flag(help: .hidden)
  var optimised = false

  /// Only the others.
  @Flag(help: .hidden)
  var plain = false

  mutating func run() async throws {
    if !earlier.isEmpty {
      return try report(
        earlier.flatMap { try JSONDecoder().decode([CaseResult].self, from: Data(contentsOf: URL(filePath: $0))) })
    }
    let cases = URL(filePath: cases, directoryHint: .isDirectory)
    guard FileManager.default.fileExists(atPath: cases.appending(path: "cases.py").path) else {
      throw ValidationError("\(cases.path) holds no cases; run this in the repository's folder or give --cases")
    }
    let filter = CaseFilter(words: words)
    if let worker {
      try await run(worker, cases, filter)
    } else {
      try runGroups(cases, filter)
    }
  }

  private var subject: Subject { native ? .native : gradient ? .gradient : .emitted }

  /// Runs one group in this process.
  private func run(_ group: Group, _ cases: URL, _ filter: CaseFilter) async throws {
    let worker = Worker(
      group: group, cases: cases, output: URL(filePath: output ?? "out", directoryHint: .isDirectory),
      journal: Journal(path: URL(filePath: journal ?? "journal")),
      verifies: try !repeated && !(group == .goldens && Goldens.areRecorded()), subject: subject)
    do {
      if list {
        for item in try await worker.list() where filter.accepts(group, item.name) {
          print("\(group.rawValue)/\(item.name)" + (item.skip.map { "  skipped: \($0)" } ?? ""))
        }
      } else {
        try await worker.run { item in
          filter.accepts(group, item.name) && !exclude.contains(item.name) && (item.repeat || !repeated)
            && !(item.optimised ? plain : optimised)
        }
      }
    } catch {
      print("error: \(Problem(error))")
      throw ExitCode(1)
    }
  }

  /// Runs each group in processes of its own.
  private func runGroups(_ cases: URL, _ filter: CaseFilter) throws {
    let folder =
      output.map { URL(filePath: $0, directoryHint: .isDirectory) }
      ?? FileManager.default.temporaryDirectory.appending(path: "graft-conformance-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { if output == nil { try? FileManager.default.removeItem(at: folder) } }
    let session = Session(
      cases: cases, folder: folder, filter: filter, words: words, recordsGoldens: try Goldens.areRecorded(),
      subject: subject)
    var results: [CaseResult] = []
    for group in Group.allCases where filter.mayAccept(group) {
      if list {
        try session.list(group)
      } else {
        results += try session.run(group)
      }
    }
    if !list { try report(results) }
  }

  /// Writes the files that are asked for and ends with the count.
  private func report(_ results: [CaseResult]) throws {
    if let json { try JSONEncoder.readable.encode(results).write(to: URL(filePath: json)) }
    if let markdown { try Data(ResultsPage(results: results).text.utf8).write(to: URL(filePath: markdown)) }
    for result in results where result.status == .skipped { print(result.line) }
    print("conformance: \(summary(results))")
    if results.contains(where: { $0.status == .failed }) || results.isEmpty { throw ExitCode(1) }
  }
}

extension Group: ExpressibleByArgument {}

extension JSONEncoder {
  fileprivate static var readable: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
