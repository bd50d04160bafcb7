import Foundation
import GraftFiles
import Testing

@testable import Graft

/// The program `graft train` killed while it saves checkpoints.
@Suite struct CheckpointKillTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

  private func start(resuming: Bool) throws -> Process {
    let process = Process()
    process.executableURL = BuiltProgram.url("graft")
    process.currentDirectoryURL = folder
    process.arguments = [
      "train", "network.graft", "--data", "data.npz", "--epochs", "1000000", "--batch-size", "16", "--threads", "1",
      "--checkpoint", "run.ckpt", "--checkpoint-every", "1", "-o", "out.graft",
    ]
    if resuming { process.arguments?.append("--resume") }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func changed(_ url: URL) -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: url.path))?[.modificationDate] as? Date
  }

  /// Two hundred times: kills the program some milliseconds after it saved, and opens what it left.
  @Test(.timeLimit(.minutes(20))) func leavesAWholeCheckpointWheneverItIsKilled() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var start: [String: Tensor] = [:]
    for (path, shape) in [
      ("first.weight", [16, 8]), ("first.bias", [16]), ("second.weight", [4, 16]), ("second.bias", [4]),
    ] {
      start[path] = try Tensor(random: shape, seed: path.stableHash)
    }
    let model = try SmallNetwork.model(start, .float32)
    try model.save(to: folder.appending(path: "network.graft"))
    try TensorFile(folder.appending(path: "data.npz")).write([
      "x": Tensor(random: [64, 8]), "y": Tensor(random: [64], dtype: .int64, limit: 4),
    ])
    let checkpoint = folder.appending(path: "run.ckpt")
    var (random, step) = (CounterRandom(seed: 1), 0)
    for round in 0..<200 {
      let before = changed(checkpoint)
      let process = try self.start(resuming: round > 0)
      let deadline = ContinuousClock.now + .seconds(30)
      while changed(checkpoint) == before, process.isRunning, ContinuousClock.now < deadline { usleep(500) }
      usleep(UInt32(random.nextInteger(in: 0...8000)))
      #expect(process.isRunning, "round \(round): the program ended by itself")
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let trainer = try Trainer(
        model, loss: .crossEntropy,
        optimizer: .adamW(learningRate: 1e-3, weightDecay: 0.01).accumulatingGradients(over: 1))
      try trainer.restore(from: checkpoint)
      #expect(trainer.step >= step, "round \(round): the checkpoint is at step \(trainer.step) after \(step)")
      step = trainer.step
    }
    #expect(step >= 100)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.count <= 5, "\(left)")
  }
}
