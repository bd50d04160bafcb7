import Foundation
import Graft

/// Teaches a network that PyTorch trained on the digits 0 to 4 all ten: `swift run -c release FineTune`.
@main
struct FineTune {
  static func main() async throws {
    let folder = URL(filePath: CommandLine.arguments.dropFirst().first ?? ".")
    let data = try TensorDataset(contentsOf: folder.appending(path: "digits.npz"), columns: ["x", "digit"])
    let (train, test) = data.split(0.8, seed: 1)

    var model = try Model(contentsOf: folder.appending(path: "digits.graft"))
    try model.reinitialize("head", seed: 2)
    let optimizer = Optimizer.adamW(learningRate: 3e-3)
      .withoutDecay { $0.hasSuffix("bias") }
      .withGroup(learningRate: 1e-3) { $0.hasPrefix("features") }
    let trainer = try Trainer(
      model, loss: .crossEntropy(labelSmoothing: 0.05), optimizer: optimizer, schedule: .cosine(warmup: 20, total: 230),
      metrics: [.accuracy])

    for try await epoch in trainer.fit(train.batched(64).shuffled(seed: 3), epochs: 10, validation: test) {
      let accuracy = 100 * (epoch.validation?.accuracy ?? 0)
      print(String(format: "epoch %2d: loss %.4f, %.1f %% of new images right", epoch.number, epoch.loss, accuracy))
    }

    let tuned = try trainer.model
    try tuned.save(to: folder.appending(path: "tuned.graft"))
    try tuned.exportWeights(to: folder.appending(path: "tuned.safetensors"), for: .torch)
  }
}
