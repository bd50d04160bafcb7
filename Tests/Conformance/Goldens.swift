import ArgumentParser
import Foundation

/// Compares converted files with those that are kept in `Tests/Goldens`, byte for byte, and runs them.
struct Goldens {
  /// The folder of the case files.
  let cases: URL
  /// Where the cases were converted to.
  let output: URL
  /// Whether files that differ are written anew, and nothing is run.
  let records: Bool

  /// The variable that has the goldens written anew.
  static let variable = "GRAFT_RECORD_GOLDENS"

  typealias Launcher = (_ program: String, _ arguments: [String], _ log: URL?) throws -> Int

  /// - Throws: `ValidationError` on a machine that only tests.
  static func areRecorded() throws -> Bool {
    let environment = ProcessInfo.processInfo.environment
    guard environment[variable] == "1" else { return false }
    if environment["CI"] != nil { throw ValidationError("\(variable) is refused where CI is set") }
    return true
  }

  private var folder: URL { cases.appending(path: "../../Goldens").standardizedFileURL }

  func check(_ names: [String], launch: Launcher) throws -> [CaseResult] {
    guard !names.isEmpty else { return [] }
    let compared = try names.map(compare)
    return records ? compared : try compared + run(names, launch)
  }

  /// The golden is written where there is none, which fails, or where goldens are recorded.
  private func compare(_ name: String) throws -> CaseResult {
    let emitted = try String(contentsOf: output.appending(path: "\(name)/\(name).py"), encoding: .utf8)
    let file = folder.appending(path: "\(name).py")
    var result = CaseResult(.goldens, "\(name).py", .passed)
    let known = try? String(contentsOf: file, encoding: .utf8)
    if known == emitted {
      result.note = "the same bytes"
      return result
    }
    if known == nil || records {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(emitted.utf8).write(to: file)
    }
    if records {
      result.note = "recorded"
      return result
    }
    result.status = .failed
    guard let known else {
      result.message = "there was no golden; it has been written, look at it"
      return result
    }
    let (old, new) = (
      known.split(separator: "\n", omittingEmptySubsequences: false),
      emitted.split(separator: "\n", omittingEmptySubsequences: false)
    )
    let line = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(old.count, new.count)
    result.message = "differs from the golden from line \(line + 1) on; `make goldens` records it anew"
    result.details = [old.dropFirst(line).first.map { "- \($0)" }, new.dropFirst(line).first.map { "+ \($0)" }]
      .compactMap { $0 }
    return result
  }

  /// A check of the Python script, one JSON object a line.
  private struct Line: Decodable {
    var name: String
    var passed: Bool
    var note: String
    var seconds: Double
  }

  /// Runs the converted files, and what was written by hand for the same weights, beside PyTorch.
  private func run(_ names: [String], _ launch: Launcher) throws -> [CaseResult] {
    let python = ProcessInfo.processInfo.environment["GRAFT_PYTHON"] ?? ".venv/bin/python"
    let log = output.appendingPathExtension("runs")
    let status = try launch(
      python, [folder.appending(path: "Checks/run.py").path, "--cases", cases.path, output.path] + names, log)
    let lines = ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n")
    var results = lines.compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }.map { line in
      var result = CaseResult(
        .goldens, "\(line.name) runs", line.passed ? .passed : .failed, message: line.passed ? nil : line.note)
      result.note = line.passed ? line.note : nil
      result.seconds = line.seconds
      return result
    }
    let ran = Set(results.map(\.name))
    let absent = names.filter { !ran.contains("\($0) runs") }
    if !absent.isEmpty || (status != 0 && results.allSatisfy { $0.status == .passed }) {
      let what = absent.isEmpty ? "" : ", without a word about \(absent.joined(separator: ", "))"
      var result = CaseResult(.goldens, "runs", .failed, message: "run.py ended with status \(status)\(what)")
      result.details = lines.suffix(3).map(String.init)
      results.append(result)
    }
    return results
  }
}
