import ArgumentParser
import Foundation
import Graft

/// Trains a converted model with AdamW: measured step by step as `contest.py` tells it to, or over given batches.
@main struct TrainWorker: ParsableCommand {
  enum LossName: String, ExpressibleByArgument { case crossEntropy = "cross-entropy", mse }

  static let configuration = CommandConfiguration(
    commandName: "train-worker",
    discussion: """
      FOLDER has the package in `graft` and the model's inputs and targets in `batch.npz`, or with --curve in
      `batches.npz`, a batch for each position of the first axis. The losses of the steps go to `losses-graft.json`; with
      --curve, the outputs for the inputs in `test.npz`, if there is one, go to `outputs-graft.npz`.
      """)

  @Argument var folder: String
  @Option var loss: LossName = .crossEntropy
  @Option(help: "Where the output has its classes.") var classAxis = 1
  @Option var learningRate = 1e-4
  @Option var threads = 2
  @Option(help: "Modules to compute again on the way back.") var rematerialize: [String] = []
  @Flag(help: "Print the kernels of a step, each with its time.") var profile = false
  @Flag(help: "Take a step for each batch of a file, and stop.") var curve = false

  private var root: URL { URL(filePath: folder) }

  func run() throws {
    if curve { return try runBatches() }
    let batch = try TensorFile(root.appending(path: "batch.npz")).read().mapValues { try $0.aligned() }
    let clock = ContinuousClock()
    let start = clock.now
    let trainer = try trainer()
    var losses = [try trainer.step(named: batch).loss]
    Self.reply(["first": (clock.now - start) / .seconds(1)])
    if profile {
      let plan = try trainer.profile(named: batch)
      for kernel in plan.kernels { Self.reply(kernel) }
      Self.reply(["arena": plan.arenaBytes])
    }
    while let line = readLine() {
      let count = line.split(separator: " ").last.flatMap { Int($0) } ?? 1
      let times = try (0..<count).map { _ in
        try clock.measure {
          let loss = try trainer.step(named: batch).loss
          if losses.count < 5 { losses.append(loss) }
        } / .seconds(1)
      }
      Self.reply(times)
    }
    try write(losses)
  }

  private func trainer() throws -> Trainer {
    let model = try Model(contentsOf: root.appending(path: "graft"), threads: threads)
    let chosen: Loss =
      switch loss {
      case .crossEntropy: .crossEntropy(classAxis: classAxis)
      case .mse: .meanSquaredError()
      }
    return try Trainer(
      model, loss: chosen, optimizer: .adamW(learningRate: learningRate, weightDecay: 0.01),
      rematerialize: Rematerialization(patterns: rematerialize))
  }

  private func runBatches() throws {
    let batches = try TensorFile(root.appending(path: "batches.npz")).read()
    let trainer = try trainer()
    let count = batches.values.first?.shape.first ?? 0
    try write(try (0..<count).map { step in try trainer.step(named: batches.mapValues { try $0[step] }).loss })
    let test = root.appending(path: "test.npz")
    guard FileManager.default.fileExists(atPath: test.path) else { return }
    try TensorFile(root.appending(path: "outputs-graft.npz")).write(trainer.model(TensorFile(test).read()))
  }

  private func write(_ losses: [Double]) throws {
    try JSONEncoder().encode(losses).write(to: root.appending(path: "losses-graft.json"))
  }

  private static func reply(_ value: some Encodable) {
    let data = (try? JSONEncoder().encode(value)) ?? Data()
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}
