import Foundation
import Graft
import Synchronization

/// What was measured while a model was trained.
final class TrainingLog: Sendable {
  private struct State {
    var losses: [Double] = []
    var epochs: [(epoch: Epoch, batches: Int)] = []
  }

  private let state = Mutex(State())

  func add(_ report: StepReport) { state.withLock { $0.losses.append(report.loss) } }

  func add(_ epoch: Epoch) { state.withLock { $0.epochs.append((epoch, $0.losses.count)) } }

  private var epochs: [Epoch] { state.withLock { $0.epochs.map(\.epoch) } }

  /// A line for each epoch after one of names.
  var csv: String {
    let epochs = epochs
    let metrics = (epochs.first?.training.metrics.keys).map { $0.sorted() } ?? []
    let isValidated = epochs.first?.validation != nil
    var names = ["epoch", "step", "seconds", "learning_rate_factor", "loss"] + metrics
    if isValidated { names += ["validation_loss"] + metrics.map { "validation_\($0)" } }
    let lines = epochs.map { epoch in
      var fields = [
        "\(epoch.number)", "\(epoch.step)", String(format: "%.3f", epoch.seconds), "\(epoch.learningRateFactor)",
        "\(epoch.loss)",
      ]
      fields += metrics.map { name in epoch.training.metrics[name].map { "\($0)" } ?? "" }
      if isValidated {
        fields.append(epoch.validation.map { "\($0.loss)" } ?? "")
        fields += metrics.map { name in epoch.validation?.metrics[name].map { "\($0)" } ?? "" }
      }
      return fields.joined(separator: ",")
    }
    return ([names.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }

  /// A line of JSON for each epoch.
  func json() throws -> String { try epochs.map { try JSONText.encodeLine($0) + "\n" }.joined() }

  /// The losses of batches and of validation.
  var curve: LossCurve {
    state.withLock { state in
      LossCurve(
        losses: state.losses,
        validation: state.epochs.compactMap { entry in
          entry.epoch.validation.map { (position: entry.batches, loss: $0.loss) }
        })
    }
  }
}
