import Foundation
import Graft

/// A verification report as text.
struct VerificationTable {
  let report: VerificationReport

  init(_ report: VerificationReport) { self.report = report }

  /// One line for each run and kind of tensor.
  var summary: [String] {
    var lines: [String] = []
    for run in report.runs {
      let parts = worst(of: run).map { "\($0.kind.rawValue) \(number($0.error)) (\(number($0.sourceError)))" }
      let wide = run.wideError.map { "; ill-conditioned, so run in float64 as well: \(number($0))" } ?? ""
      lines.append("\(run.passed ? "ok  " : "FAIL") \(title(run)): " + parts.joined(separator: ", ") + wide)
      lines += (run.notCompared ?? []).map { "     not compared: \($0)" }
    }
    lines.append(
      report.passed
        ? "verified: largest error relative to float64 (the source's own in brackets)"
        : "NOT VERIFIED: see the errors above (the source's own in brackets)")
    return lines
  }

  /// Every tensor and module of every run.
  var rows: [String] {
    report.runs.flatMap { run -> [String] in
      [title(run)]
        + run.rows.map { row in
          let judgement = row.passed ? "ok  " : "FAIL"
          let place = row.passed ? "" : row.location.map { " (\($0))" } ?? ""
          return
            "  \(judgement) \(row.kind.rawValue) \(row.name): \(number(row.error)), source \(number(row.sourceError)), allowed \(number(row.tolerance))\(place)"
        }
    }
  }

  /// What differs first, and where.
  var failure: [String] {
    guard let (run, name, row) = report.firstFailure else { return [] }
    let what = row.problem ?? "is off by \(number(row.error)), allowed \(number(row.tolerance))"
    let subject =
      switch row.kind {
      case .module where name.isEmpty: "the output of the root module"
      case .module: "the output of the module `\(name)`"
      case .output: "the \(name)"
      default: "the \(row.kind.rawValue) of `\(row.name)`"
      }
    let place = row.location.map { "\($0): " } ?? ""
    return ["error: \(place)in \(run.mode) mode \(subject) is the first that differs: it \(what)"]
  }

  /// `train N=2`, after the name of the function if that is not the program's.
  private func title(_ run: VerificationReport.Run) -> String {
    let sizes = run.sizes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return ([run.function, run.mode].compactMap { $0 } + sizes).joined(separator: " ")
  }

  private func worst(of run: VerificationReport.Run) -> [VerificationReport.Row] {
    let kinds: [VerificationReport.Kind] = [.output, .inputGradient, .parameterGradient, .state]
    return kinds.compactMap { kind in run.rows.filter { $0.kind == kind }.max { $0.error < $1.error } }
  }

  private func number(_ value: Double) -> String {
    value == 0 ? "0" : String(format: "%.1e", value)
  }
}

/// Results for machines.
enum JSONText {
  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The same on one line; numbers that are not finite are words.
  static func encodeLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
