import Foundation
import Graft

/// Converts and verifies cases of one group in this process, which Python and the frameworks stay loaded in.
struct Worker {
  let group: Group
  let cases: URL
  let output: URL
  let journal: Journal
  var verifies = true
  var subject = Subject.emitted

  private var file: URL { cases.appending(path: group.file) }

  func list() async throws -> [Case] {
    struct Request: Encodable { var file: String }
    struct Reply: Decodable { var cases: [Case] }
    let host = try await PythonHost.start(python: nil)
    try await host.loadTorch()
    let source = try String(contentsOf: cases.appending(path: "cases.py"), encoding: .utf8)
    let reply = try await host.call(
      source: source, as: "graft_conformance_cases", "listing", Request(file: file.path))
    return try JSONDecoder().decode(Reply.self, from: reply).cases
  }

  /// Runs the cases that `accepts` wants, telling the journal before and after each.
  func run(accepts: (Case) -> Bool) async throws {
    for item in try await list() where accepts(item) {
      try journal.begin(item.name)
      let result = await run(item)
      try journal.end(result)
      if verifies { print(result.line) }
      fflush(nil)
    }
  }

  private func run(_ item: Case) async -> CaseResult {
    if let reason = item.skip { return CaseResult(group, item.name, .skipped, message: reason) }
    var result = CaseResult(group, item.name, .passed)
    let clock = ContinuousClock()
    let start = clock.now
    do {
      var options = item.options(file: file, output: output)
      options.verify = options.verify && verifies
      if subject == .native { options.verifiedExecution = .native }
      options.withGradient = subject == .gradient
      let manifest = try await Transpiler().transpile(options).manifest
      if let report = manifest.verification {
        result.take(report, symbols: manifest.signature.symbols.map(\.name))
      } else if options.verify {
        result.status = .failed
        result.message = "was not verified"
      }
      if item.vmap { result.note = ["vmap", result.note].compactMap { $0 }.joined(separator: "; ") }
    } catch {
      let problem = Problem(error)
      // What has no native kernel or no gradient is counted apart, by the ops.
      result.status = subject != .emitted && problem.kind == .unsupported ? .skipped : .failed
      result.message = problem.message
      result.details = problem.details
    }
    result.seconds = (clock.now - start) / .seconds(1)
    return result
  }
}

/// A file that a worker tells its parent what it does in, one JSON object a line, so that a crash can be laid to a case.
struct Journal {
  let path: URL

  private struct Line: Codable {
    var begin: String?
    var end: CaseResult?
  }

  func begin(_ name: String) throws { try append(Line(begin: name)) }

  func end(_ result: CaseResult) throws { try append(Line(end: result)) }

  private func append(_ line: Line) throws {
    let data = try JSONEncoder().encode(line) + Data("\n".utf8)
    if !FileManager.default.fileExists(atPath: path.path) { try Data().write(to: path) }
    let handle = try FileHandle(forWritingTo: path)
    try handle.seekToEnd()
    try handle.write(contentsOf: data)
    try handle.close()
  }

  /// The results so far, and the case that was begun and not ended.
  func read() throws -> (results: [CaseResult], unfinished: String?) {
    guard let text = try? String(contentsOf: path, encoding: .utf8) else { return ([], nil) }
    var results: [CaseResult] = []
    var current: String?
    for line in text.split(separator: "\n") {
      let line = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
      current = line.begin ?? current
      if let result = line.end {
        results.append(result)
        current = nil
      }
    }
    return (results, current)
  }
}
