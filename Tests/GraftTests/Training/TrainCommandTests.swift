import Foundation
import GraftFiles
import Testing

@testable import Graft

/// The programs that were built with these tests, which lie beside the test bundle.
enum BuiltProgram {
  struct Run {
    var status: Int32
    var output: String
    var error: String
  }

  static func url(_ name: String) -> URL {
    #if os(Linux)
      let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    #else
      let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL ?? Bundle.main.bundleURL
    #endif
    return tests.deletingLastPathComponent().appending(path: name)
  }

  /// - Parameter blocks: the most blocks of 512 bytes or 1 KiB that it may write to one file.
  static func run(_ name: String, _ arguments: [String], in folder: URL, filesOf blocks: Int? = nil) throws -> Run {
    let process = Process()
    process.executableURL = url(name)
    process.currentDirectoryURL = folder
    process.arguments = arguments
    if let blocks {
      process.executableURL = URL(filePath: "/bin/sh")
      process.arguments = ["-c", "ulimit -f \(blocks); exec \"$0\" \"$@\"", url(name).path] + arguments
    }
    process.standardInput = FileHandle.nullDevice
    let (output, error) = (folder.appending(path: "stdout"), folder.appending(path: "stderr"))
    for file in [output, error] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: error)
    try process.run()
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
      error: try String(contentsOf: error, encoding: .utf8))
  }
}

/// `graft train`, and the example package.
@Suite struct TrainCommandTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

  private func prepare() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var start: [String: Tensor] = [:]
    for (path, shape) in [
      ("first.weight", [16, 8]), ("first.bias", [16]), ("second.weight", [4, 16]), ("second.bias", [4]),
    ] {
      start[path] = try Tensor(random: shape, seed: path.stableHash)
    }
    try SmallNetwork.model(start, .float32).save(to: folder.appending(path: "network.graft"))
    try TensorFile(folder.appending(path: "data.npz")).write([
      "x": Tensor(random: [64, 8]), "y": Tensor(random: [64], dtype: .int64, limit: 4),
    ])
  }

  private func graft(_ arguments: String, filesOf blocks: Int? = nil) throws -> BuiltProgram.Run {
    try BuiltProgram.run("graft", arguments.split(separator: " ").map(String.init), in: folder, filesOf: blocks)
  }

  @Test func writesWhatItLearnt() throws {
    try prepare()
    defer { try? FileManager.default.removeItem(at: folder) }
    let common = "train network.graft --data data.npz --holdout 0.25 --batch-size 16 --metric accuracy --threads 1"
    let run = try graft(
      "\(common) --epochs 3 --learning-rate 0.01 --log log.csv --plot loss.svg --checkpoint run.ckpt -o out.graft")
    #expect(run.status == 0, "\(run.error)")
    #expect(run.output.isEmpty)
    let lines = run.error.split(separator: "\n")
    #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("epoch ") && $0.contains("validation loss") })
    let log = try String(contentsOf: folder.appending(path: "log.csv"), encoding: .utf8).split(separator: "\n")
    #expect(log.first == "epoch,step,seconds,learning_rate_factor,loss,accuracy,validation_loss,validation_accuracy")
    #expect(log.count == 4 && log[3].hasPrefix("3,9,"))
    let picture = try String(contentsOf: folder.appending(path: "loss.svg"), encoding: .utf8)
    #expect(picture.hasPrefix("<svg ") && picture.hasSuffix("</svg>\n") && picture.contains("validation loss"))
    let before = try Model(contentsOf: folder.appending(path: "network.graft")).tensor(at: "second.weight")
    #expect(try Model(contentsOf: folder.appending(path: "out.graft")).tensor(at: "second.weight") != before)

    // Five epochs at once are three and two more.
    let more = try graft(
      "\(common) --epochs 5 --learning-rate 0.01 --checkpoint run.ckpt --resume --json --log log.json -o resumed.graft")
    #expect(more.status == 0 && more.error.isEmpty, "\(more.error)")
    #expect(more.output.split(separator: "\n").count == 2)
    #expect(try String(contentsOf: folder.appending(path: "log.json"), encoding: .utf8) == more.output)
    _ = try graft("\(common) --epochs 5 --learning-rate 0.01 -o whole.graft")
    #expect(
      try Data(contentsOf: folder.appending(path: "resumed.graft"))
        == Data(contentsOf: folder.appending(path: "whole.graft")))
  }

  /// As where the disk is full: writing fails in the middle of a file.
  @Test func leavesWhatWasThereWhereItCannotWrite() throws {
    try prepare()
    defer { try? FileManager.default.removeItem(at: folder) }
    let common = "train network.graft --data data.npz --batch-size 16 --threads 1 --checkpoint run.ckpt"
    let first = try graft("\(common) --epochs 1 -o out.graft")
    #expect(first.status == 0, "\(first.error)")
    let checkpoint = folder.appending(path: "run.ckpt")
    let (before, names) = (
      try Data(contentsOf: checkpoint), try FileManager.default.contentsOfDirectory(atPath: folder.path)
    )
    let failed = try graft("\(common) --epochs 2 --resume -o more.graft", filesOf: 1)
    #expect(failed.status == 1)
    #expect(failed.error.contains("run.ckpt: cannot write"), "\(failed.error)")
    #expect(try Data(contentsOf: checkpoint) == before)
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == Set(names))
    let second = try graft("\(common) --epochs 2 --resume -o more.graft")
    #expect(second.status == 0, "\(second.error)")
  }

  @Test func saysWhatDoesNotFit() throws {
    try prepare()
    defer { try? FileManager.default.removeItem(at: folder) }
    try TensorFile(folder.appending(path: "wide.npz")).write([
      "x": Tensor(random: [64, 9]), "y": Tensor(random: [64], dtype: .int64, limit: 4),
    ])
    let wide = try graft("train network.graft --data wide.npz -o out.graft")
    #expect(wide.status == 2)
    #expect(wide.error.contains("input `x` must be f32"), "\(wide.error)")
    let missing = try graft("train network.graft --data nowhere.npz -o out.graft")
    #expect(missing.status == 1 && missing.error.contains("nowhere.npz"), "\(missing.error)")
    let pattern = try graft("train network.graft --data data.npz --train-only none.* -o out.graft")
    #expect(pattern.status == 2 && pattern.error.contains("no parameter that is trained"), "\(pattern.error)")
    let diverging = try graft(
      "train network.graft --data data.npz --optimizer sgd --learning-rate 1e30 --epochs 9 -o out.graft")
    #expect(diverging.status == 1 && diverging.error.contains("is not finite"), "\(diverging.error)")
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out.graft").path))
  }

  /// What `swift run` does in Docs/Examples/FineTune: the source of that package, built as a part of this one.
  @Test(.timeLimit(.minutes(20))) func finetunesAsTheExampleDoes() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Docs/Examples/FineTune")
    for name in ["digits.npz", "digits.graft"] {
      try FileManager.default.copyItem(at: example.appending(path: name), to: folder.appending(path: name))
    }
    let source = try String(contentsOf: example.appending(path: "Sources/FineTune/FineTune.swift"), encoding: .utf8)
    #expect(source.split(separator: "\n", omittingEmptySubsequences: false).count < 60)
    let run = try BuiltProgram.run("fine-tune-example", [], in: folder)
    #expect(run.status == 0, "\(run.error)")
    let last = try #require(run.output.split(separator: "\n").last)
    let accuracy = try #require(last.firstMatch(of: /([0-9.]+) % of new images right/).flatMap { Double($0.1) })
    #expect(accuracy > 95, "\(run.output)")
    let weights = try TensorFile(folder.appending(path: "tuned.safetensors")).read()
    #expect(weights.keys.sorted().first == "features.0.bias" && weights["head.weight"]?.shape == [10, 128])
  }
}
