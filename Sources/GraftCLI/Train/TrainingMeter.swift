import Foundation
import Graft
import Synchronization

/// How far training is, on standard error: a bar that moves on a terminal, and a line for each epoch everywhere.
final class TrainingMeter: Sendable {
  private struct State {
    var start = ContinuousClock.now
    var samples = 0
    /// A mean of the last losses.
    var loss: Double?
    var shown = ContinuousClock.now - .seconds(1)
  }

  private let epochs: Int
  private let isQuiet: Bool
  private let state = Mutex(State())

  init(epochs: Int, isQuiet: Bool) {
    self.epochs = epochs
    self.isQuiet = isQuiet
  }

  func show(_ report: StepReport) {
    let line: String? = state.withLock { state in
      if report.batch == 1 || state.samples == 0 { (state.start, state.samples) = (.now, 0) }
      state.samples += report.samples
      state.loss = state.loss.map { 0.95 * $0 + 0.05 * report.loss } ?? report.loss
      guard Console.isErrorATerminal, !isQuiet, ContinuousClock.now - state.shown > .milliseconds(100) else {
        return nil
      }
      state.shown = .now
      return Self.line(
        report, epochs, state.samples, (ContinuousClock.now - state.start) / .seconds(1), state.loss ?? 0)
    }
    if let line { write("\r\u{1B}[K\(line)") }
  }

  func end(_ epoch: Epoch) {
    guard !isQuiet else { return }
    if Console.isErrorATerminal { write("\r\u{1B}[K") }
    func text(_ measures: Measures) -> String {
      let metrics = measures.metrics.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.number($0.value))" }
      return (["loss \(Self.number(measures.loss))"] + metrics).joined(separator: ", ")
    }
    var line = "epoch \(epoch.number)/\(epochs): \(text(epoch.training))"
    if let validation = epoch.validation { line += "; validation \(text(validation))" }
    write(line + String(format: " (%.1f s)\n", epoch.seconds))
  }

  /// `epoch 1/5 [#####.....] 12/40, 310 samples/s, loss 0.41, 8 s left`.
  static func line(_ report: StepReport, _ epochs: Int, _ samples: Int, _ seconds: Double, _ loss: Double) -> String {
    let share = Double(report.batch) / Double(max(report.batchCount, 1))
    let filled = Int(share * 20)
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
    let rate = seconds > 0 ? Double(samples) / seconds : 0
    let left = share > 0 ? seconds / share * (1 - share) : 0
    return "epoch \(report.epoch)/\(epochs) [\(bar)] \(report.batch)/\(report.batchCount), "
      + String(format: "%.0f samples/s, loss %@, %.0f s left", rate, number(loss), left)
  }

  private static func number(_ value: Double) -> String { String(format: "%.4g", value) }

  private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}
