import Foundation

/// The results as a page of the documentation.
struct ResultsPage {
  let results: [CaseResult]

  var text: String {
    var lines = [
      "# Conformance",
      "",
      "Written by `graft-conformance --markdown`. Each case is converted from PyTorch to JAX and both are run on the same"
        + " inputs and weights. Errors are the largest difference from PyTorch in float64 over a whole tensor, relative to"
        + " its largest magnitude, over all modes and sizes.",
      "",
      summary(results),
    ]
    for group in Group.allCases {
      let own = results.filter { $0.group == group.rawValue }
      guard !own.isEmpty else { continue }
      lines += [
        "", "## \(group.rawValue)", "", "| case | result | modes | sizes | outputs | gradients | state |",
        "|---|---|---|---|---|---|---|",
      ]
      lines += own.map(row)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func row(_ result: CaseResult) -> String {
    let verdict = result.status == .passed ? "passed" : "\(result.status.rawValue): \(result.message ?? "")"
    let cells =
      [result.name, verdict, result.modes.joined(separator: ", "), result.sizeText]
      + [result.outputs, result.gradients, result.state].map { $0.map(CaseResult.short) ?? "" }
    return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
  }
}

/// `12 passed, 0 failed, 0 skipped`.
func summary(_ results: [CaseResult]) -> String {
  func count(_ status: CaseResult.Status) -> Int { results.count { $0.status == status } }
  return "\(count(.passed)) passed, \(count(.failed)) failed, \(count(.skipped)) skipped"
}
