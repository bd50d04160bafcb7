import Foundation
import GraftFiles
import GraftIR

/// How close a result must be to the source run in float64.
///
/// A converted program may round in another order than its source, so it may be off by a small multiple of what the
/// source itself is off in its own precision, and by a few units in the last place in any case.
///
/// What the source is off is one draw of its rounding errors, which for an ill-conditioned program tells little of the
/// next. Several executions of the source on data that differ in the last place are further draws: the largest error
/// among them counts.
struct Tolerance: Sendable {
  /// The multiple of the source's own error.
  var factor = 8.0
  /// The least that is allowed, relative to the largest magnitude: 16 units in the last place of float32.
  var floor = 0x1p-19
  /// The same for tensors in float64, where the source is its own reference.
  var wideFloor = 0x1p-38
  /// Whether the target was run in float64, whatever precision the source has.
  var isWide = false

  static let standard = Tolerance()

  /// For a target that was run in float64: as much closer as float64 is finer than float32.
  var wide: Tolerance {
    var wide = self
    (wide.factor, wide.floor, wide.isWide) = (factor * 0x1p-29, wideFloor, true)
    return wide
  }

  /// The source's own error, relative, above which a comparison in its own precision says little: it has lost all but
  /// three digits.
  static let roughError = 0x1p-10

  /// Judges a target's tensor.
  ///
  /// - Parameters:
  ///   - target: the converted program's result.
  ///   - sources: the source's results in its own precision; at least one.
  ///   - reference: the source's result in float64.
  ///   - noiseScale: the magnitude that a value which is zero but for rounding is measured by: one that the source
  ///     itself has no correct digit of, such as the gradient of a bias in front of a normalisation.
  func row(
    _ name: String, _ kind: VerificationReport.Kind, target: TensorData, sources: [TensorData], reference: TensorData,
    noiseScale: Double = 0
  ) throws -> VerificationReport.Row {
    guard let source = sources.first else {
      throw Diagnostic(.internalError, "`\(name)` has nothing to be compared with")
    }
    if let problem = difference(target, source) { return .failed(name, kind, problem) }
    let draws = try sources.filter { $0.shape == source.shape }.map { try ElementComparison($0, reference: reference) }
    guard let own = draws.max(by: { $0.maximumError < $1.maximumError }) else {
      throw Diagnostic(.internalError, "`\(name)` has another shape each time it is computed")
    }
    let comparison = try ElementComparison(target, reference: reference)
    let floor = [.float64, .complex128].contains(target.dtype) ? wideFloor : floor
    var allowed = max(factor * own.maximumError, floor * own.scale)
    var scale = own.scale
    if own.maximumError >= own.scale {
      allowed = max(allowed, floor * noiseScale)
      scale = max(scale, noiseScale, .leastNormalMagnitude)
    }
    var problem: String?
    if comparison.nanMismatches > own.nanMismatches { problem = "has NaN in other places" }
    if comparison.infinityMismatches > own.infinityMismatches { problem = "has infinities in other places" }
    if comparison.exactMismatches > own.exactMismatches * 2 {
      problem = "\(comparison.exactMismatches) of \(comparison.count) elements differ"
    }
    return VerificationReport.Row(
      name: name, kind: kind, error: rounded(comparison.maximumError / scale),
      sourceError: rounded(own.maximumError / scale), tolerance: rounded(allowed / scale),
      passed: problem == nil && comparison.maximumError <= allowed, problem: problem)
  }

  /// What tells two tensors apart before their elements are looked at. An integer may be narrower than the source's.
  private func difference(_ target: TensorData, _ source: TensorData) -> String? {
    if target.shape != source.shape { return "has shape \(target.shape), not \(source.shape)" }
    let isNarrowed = target.dtype.isInteger && source.dtype.isInteger && target.dtype.isSigned == source.dtype.isSigned
    if target.dtype == source.dtype || isNarrowed || isWide { return nil }
    return "has dtype \(target.dtype.rawValue), not \(source.dtype.rawValue)"
  }

  /// Three significant digits: all that a table needs, and no noise behind them.
  private func rounded(_ value: Double) -> Double {
    guard value.isFinite else { return .greatestFiniteMagnitude }
    guard value > 0 else { return 0 }
    return Double(String(format: "%.3g", value)) ?? value
  }
}
