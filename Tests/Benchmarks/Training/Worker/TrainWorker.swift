import Foundation
import Graft

/// Graft as a contestant of `bench_train.py`: takes steps of training as it is told to on standard input (`contest.py`),
/// and writes the losses of the first ones to a file. With `--profile` it prints the kernels of a step.
@main struct TrainWorker {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4, let axis = Int(arguments[2]), let threads = Int(arguments[3]) else {
      FileHandle.standardError.write(Data("usage: train-worker FOLDER CLASS-AXIS THREADS\n".utf8))
      exit(2)
    }
    let folder = URL(filePath: arguments[1])
    let file = try TensorFile(folder.appending(path: "batch.npz")).read()
    let clock = ContinuousClock()
    let start = clock.now
    let model = try Model(contentsOf: folder.appending(path: "graft"), threads: threads)
    let trainer = try Trainer(
      model, loss: .crossEntropy(classAxis: axis), optimizer: .adamW(learningRate: 1e-4, weightDecay: 0.01))
    var losses = [try trainer.step(named: file).loss]
    reply(["first": (clock.now - start) / .seconds(1)])
    if arguments.contains("--profile") {
      for kernel in try trainer.profile(named: file).kernels { reply(kernel) }
    }
    while let line = readLine() {
      let count = line.split(separator: " ").last.flatMap { Int($0) } ?? 1
      reply(
        try (0..<count).map { _ in
          try clock.measure {
            let loss = try trainer.step(named: file).loss
            if losses.count < 5 { losses.append(loss) }
          } / .seconds(1)
        })
    }
    try JSONEncoder().encode(losses).write(to: folder.appending(path: "losses-graft.json"))
  }

  static func reply(_ value: some Encodable) {
    let data = (try? JSONEncoder().encode(value)) ?? Data()
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}
