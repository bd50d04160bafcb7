import Foundation
import Graft

/// What came of a case.
struct CaseResult: Codable {
  enum Status: String, Codable {
    case passed
    case failed
    case skipped
  }

  struct Size: Codable {
    var symbol: String
    var values: [Int]
  }

  var group: String
  var name: String
  var status: Status
  var modes: [String] = []
  var sizes: [Size] = []
  /// The largest error of each kind, relative to the largest magnitude of the tensor; nil where there is none.
  var outputs: Double?
  var gradients: Double?
  var state: Double?
  /// Further facts: the files checked, the cases repeated.
  var note: String?
  var seconds = 0.0
  /// Why it failed or was skipped: one line.
  var message: String?
  var details: [String] = []

  init(_ group: Group, _ name: String, _ status: Status, message: String? = nil) {
    self.group = group.rawValue
    self.name = name
    self.status = status
    self.message = message
  }

  /// The case's line on the terminal.
  var line: String {
    let title = "\(group)/\(name)"
    switch status {
    case .skipped: return "skip \(title)  \(message ?? "")"
    case .failed:
      return (["FAIL \(title)  \(message ?? "")"] + details.prefix(3).map { "       \($0)" }).joined(separator: "\n")
    case .passed:
      let facts = [modes.joined(separator: "+"), sizeText] + errors.map { "\($0) \(Self.short($1))" } + [note ?? ""]
      let text = facts.filter { !$0.isEmpty }.joined(separator: "  ")
      return "ok   \(title.padding(to: 40))  \(text)  \(String(format: "%.1f s", seconds))"
    }
  }

  var sizeText: String {
    sizes.map { "\($0.symbol)=" + $0.values.map(String.init).joined(separator: ",") }.joined(separator: " ")
  }

  private var errors: [(String, Double)] {
    [("outputs", outputs), ("gradients", gradients), ("state", state)].compactMap { name, value in
      value.map { (name, $0) }
    }
  }

  /// `3e-7`; `0` for none.
  static func short(_ value: Double) -> String {
    guard value > 0 else { return "0" }
    return String(format: "%.0e", value).replacing("e-0", with: "e-").replacing("e+0", with: "e+")
  }
}

extension CaseResult {
  /// Takes modes, sizes and errors from a report, and its first failure.
  mutating func take(_ report: VerificationReport, symbols: [String]) {
    for run in report.runs where !modes.contains(run.mode) { modes.append(run.mode) }
    sizes = symbols.map { symbol in
      var values: [Int] = []
      for run in report.runs {
        if let value = run.sizes[symbol], !values.contains(value) { values.append(value) }
      }
      return Size(symbol: symbol, values: values)
    }
    outputs = report.worst(.output)?.error
    state = report.worst(.state)?.error
    gradients = [report.worst(.inputGradient)?.error, report.worst(.parameterGradient)?.error].compactMap { $0 }.max()
    if let missing = report.runs.compactMap(\.notCompared).first {
      note = "not compared: " + missing.joined(separator: "; ")
    }
    if let wide = report.runs.compactMap(\.wideError).max() {
      note = [note, "in float64 \(Self.short(wide))"].compactMap { $0 }.joined(separator: "; ")
    }
    guard !report.passed else { return }
    status = .failed
    guard let (run, name, row) = report.firstFailure else {
      message = "the report says that it failed, and not where"
      return
    }
    let sizes = run.sizes.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let what =
      row.problem
      ?? "is off by \(Self.short(row.error)), allowed \(Self.short(row.tolerance)), "
      + "the source itself \(Self.short(row.sourceError))"
    message = "\(run.mode)\(sizes): the \(row.kind.rawValue) of `\(name)` (\(row.name)) \(what)"
  }
}

extension String {
  func padding(to width: Int) -> String { padding(toLength: max(count, width), withPad: " ", startingAt: 0) }
}
