import Foundation
import GraftFiles

/// How close a result must be to the source run in float64.
///
/// A converted program may round in another order than its source, so it may be off by a small multiple of what the
/// source itself is off in its own precision, and by a few units in the last place in any case.
struct Tolerance: Sendable {
  /// The multiple of the source's own error.
  var factor = 8.0
  /// The least that is allowed, relative to the largest magnitude: 16 units in the last place of float32.
  var floor = 0x1p-19

  static let standard = Tolerance()

  /// Judges a target's tensor.
  ///
  /// - Parameters:
  ///   - target: the converted program's result.
  ///   - source: the source's result in its own precision.
  ///   - reference: the source's result in float64.
  func row(
    _ name: String, _ kind: VerificationReport.Kind, target: TensorData, source: TensorData, reference: TensorData
  ) throws -> VerificationReport.Row {
    guard target.shape == reference.shape else {
      return VerificationReport.Row(
        name: name, kind: kind, error: .greatestFiniteMagnitude, sourceError: 0, tolerance: 0, passed: false,
        problem: "has shape \(target.shape), not \(reference.shape)")
    }
    let own = try ElementComparison(source, reference: reference)
    let comparison = try ElementComparison(target, reference: reference)
    let error = rounded(comparison.maximumErrorRelativeToScale)
    let sourceError = rounded(own.maximumErrorRelativeToScale)
    let allowed = rounded(max(factor * sourceError, floor))
    var problem: String?
    if comparison.nanMismatches > own.nanMismatches { problem = "has NaN in other places" }
    if comparison.infinityMismatches > own.infinityMismatches { problem = "has infinities in other places" }
    if comparison.exactMismatches > own.exactMismatches * 2 {
      problem = "\(comparison.exactMismatches) of \(comparison.count) elements differ"
    }
    return VerificationReport.Row(
      name: name, kind: kind, error: error, sourceError: sourceError, tolerance: allowed,
      passed: problem == nil && error <= allowed, problem: problem)
  }

  /// Three significant digits: all that a table needs, and no noise behind them.
  private func rounded(_ value: Double) -> Double {
    guard value.isFinite else { return .greatestFiniteMagnitude }
    guard value > 0 else { return 0 }
    return Double(String(format: "%.3g", value)) ?? value
  }
}
