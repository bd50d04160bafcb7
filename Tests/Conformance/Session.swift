import Foundation
import Graft

/// Runs whole groups, each in processes of its own, and what is checked of a group as a whole.
struct Session {
  let cases: URL
  let folder: URL
  let filter: CaseFilter
  let words: [String]
  /// Whether goldens are written anew instead of compared.
  var recordsGoldens = false
  var subject = Subject.emitted

  func run(_ group: Group) throws -> [CaseResult] {
    let output = folder.appending(path: group.rawValue, directoryHint: .isDirectory)
    var results = try converted(group, into: output, arguments: subject.arguments)
    var checks: [CaseResult] = []
    if subject != .native, let style = try styleResult(group, output) { checks.append(style) }
    if subject == .emitted, let repeated = try repeatedResult(group, first: output) { checks.append(repeated) }
    if group == .goldens, subject == .emitted {
      let names = results.filter { $0.status == .passed }.map(\.name)
      checks += try Goldens(cases: cases, output: output, records: recordsGoldens).check(names) {
        try launch($0, $1, log: $2)
      }
    }
    for check in checks { print(check.line) }
    results += checks
    return results
  }

  /// Runs workers until every case has a result: one that ends a process fails, and the others go on in another.
  private func converted(_ group: Group, into output: URL, arguments: [String]) throws -> [CaseResult] {
    let journal = Journal(path: output.appendingPathExtension("journal"))
    try? FileManager.default.removeItem(at: output)
    try? FileManager.default.removeItem(at: journal.path)
    var results: [CaseResult] = []
    var lost: [CaseResult] = []
    // Cases that need XLA's optimiser run by themselves where the others do without.
    var passes: [(arguments: [String], environment: [String: String])] =
      group.environment.isEmpty ? [([], [:])] : [(["--plain"], group.environment), (["--optimised"], [:])]
    while let pass = passes.first {
      let done = results.map(\.name) + lost.map(\.name)
      let status = try launch(
        CommandLine.arguments[0],
        words + arguments + pass.arguments + done.flatMap { ["--exclude", $0] } + [
          "--worker", group.rawValue, "--cases", cases.path, "--journal", journal.path.path, "--output", output.path,
        ], environment: pass.environment)
      let (finished, unfinished) = try journal.read()
      let progressed = finished.count > results.count
      results = finished
      if status == 0 {
        passes.removeFirst()
        continue
      }
      guard let name = unfinished ?? (progressed ? nil : "process"), !lost.contains(where: { $0.name == name }) else {
        return results + lost
      }
      let result = CaseResult(group, name, .failed, message: "the process ended with status \(status)")
      print(result.line)
      lost.append(result)
      if name == "process" { return results + lost }
    }
    return results + lost
  }

  /// Prints the group's cases.
  func list(_ group: Group) throws {
    _ = try launch(
      CommandLine.arguments[0], words + ["--list", "--worker", group.rawValue, "--cases", cases.path])
  }

  // MARK: Checks of a group

  /// Every emitted file passes the formatter and the linter unchanged.
  private func styleResult(_ group: Group, _ output: URL) throws -> CaseResult? {
    let files = emittedFiles(output)
    guard !files.isEmpty else { return nil }
    let clock = ContinuousClock()
    let start = clock.now
    let log = output.appendingPathExtension("style")
    let paths = files.map(\.path)
    let python = ProcessInfo.processInfo.environment["GRAFT_PYTHON"] ?? ".venv/bin/python"
    let check = try launch(
      python,
      ["-m", "ruff", "check", "--isolated", "--no-cache", "--extend-select", "F,N", "--output-format", "concise"]
        + paths, log: log)
    var findings = lines(log)
    let format = try launch(python, ["-m", "ruff", "format", "--isolated", "--no-cache", "--check"] + paths, log: log)
    findings += lines(log)
    var result = CaseResult(group, "style", check == 0 && format == 0 ? .passed : .failed)
    result.note = "ruff check and format: \(files.count) files"
    result.seconds = (clock.now - start) / .seconds(1)
    if result.status == .failed {
      let prefix = output.path + "/"
      findings = findings.map { $0.replacing(prefix, with: "") }.filter { !$0.hasPrefix("[*]") }
      result.message = findings.first ?? "ruff failed without a finding"
      result.details = Array(findings.dropFirst())
    }
    return result
  }

  /// Another process converts some cases to the same bytes.
  private func repeatedResult(_ group: Group, first: URL) throws -> CaseResult? {
    let second = folder.appending(path: "\(group.rawValue)-again", directoryHint: .isDirectory)
    let clock = ContinuousClock()
    let start = clock.now
    let names = try converted(group, into: second, arguments: ["--repeated"]).map(\.name)
    guard !names.isEmpty else { return nil }
    var differing: [String] = []
    var compared = 0
    for name in names {
      let files = (try? FileManager.default.contentsOfDirectory(atPath: second.appending(path: name).path)) ?? []
      // The manifest also says what verification found, which was not run again.
      for file in files.sorted() where file != "manifest.json" {
        let old = try? Data(contentsOf: first.appending(path: name).appending(path: file))
        compared += 1
        if try old != Data(contentsOf: second.appending(path: name).appending(path: file)) {
          differing.append("\(name)/\(file)")
        }
      }
    }
    var result = CaseResult(group, "repeated", differing.isEmpty && compared > 0 ? .passed : .failed)
    result.note = "the same bytes again: \(compared) files of \(names.joined(separator: ", "))"
    result.seconds = (clock.now - start) / .seconds(1)
    if result.status == .failed {
      result.message = compared == 0 ? "nothing was converted" : "other bytes in \(differing.joined(separator: ", "))"
    }
    return result
  }

  private func emittedFiles(_ output: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
    return names.sorted().flatMap { name -> [URL] in
      let folder = output.appending(path: name)
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return files.sorted().filter { $0.hasSuffix(".py") }.map { folder.appending(path: $0) }
    }
  }

  // MARK: Processes

  private func lines(_ file: URL) -> [String] {
    ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
  }

  /// Runs a program to its end; gives its status, or the negative number of the signal that ended it.
  ///
  /// - Parameter environment: variables for it that this process does not set.
  private func launch(
    _ program: String, _ arguments: [String], log: URL? = nil, environment: [String: String] = [:]
  ) throws -> Int {
    fflush(nil)
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(environment.merging(["PYTHONWARNINGS": "ignore"]) { given, _ in given }) { own, _ in own }
    if let log {
      try Data().write(to: log)
      let handle = try FileHandle(forWritingTo: log)
      process.standardOutput = handle
      process.standardError = handle
    }
    try process.run()
    process.waitUntilExit()
    let status = Int(process.terminationStatus)
    return process.terminationReason == .uncaughtSignal ? -status : status
  }
}
