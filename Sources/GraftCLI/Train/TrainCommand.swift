import ArgumentParser
import Foundation
import Graft

/// `graft train`.
struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train or fine-tune a converted model natively: no Python, no framework.",
    discussion: """
      The data are columns of samples: tensors with the samples along the first axis in a .npz or .safetensors file, a
      .csv table, or a folder with a folder of .png and .jpeg files for each class. A column with an input's name goes
      there; the first column does for a model of one input; the next is the target.

      EXAMPLES
        graft train out/resnet18.graft --data digits.npz --metric accuracy -o tuned.graft
        graft train mlp.graft --data houses.csv --target price --loss mse -o houses.graft
        graft train bert.graft --data pairs.npz --train-only 'pooler.*' --epochs 3 -o tuned.graft
        graft train gpt2.graft --data tokens.npz --checkpoint run.ckpt -o tuned.graft
        graft train gpt2.graft --data tokens.npz --checkpoint run.ckpt --resume -o tuned.graft

      Exit codes: 0 done; 1 a file cannot be read or written, or the loss is not finite; 2 the data do not fit; 3 the
      model has an op without a native kernel or gradient.
      """)

  @Argument(
    help: "A .graft file, or a folder that `graft transpile` wrote.", completion: .file(extensions: ["graft"]))
  var package: String

  @OptionGroup(title: "Data") var data: TrainDataOptions
  @OptionGroup(title: "Training") var method: TrainMethodOptions
  @OptionGroup(title: "Files") var files: TrainFileOptions

  @Option(help: "How many threads work; as many as the processor has by default.")
  var threads: Int?

  @Option(help: "The seed of the order of samples, of new parameters and of what the model draws.")
  var seed: UInt64 = 0

  @Flag(help: "Print each epoch as a line of JSON.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  func run() async throws {
    var model = try Model(contentsOf: URL(filePath: package), threads: threads)
    try method.prepare(&model, seed: seed)
    let (training, validation) = try data.datasets(for: model, seed: seed)
    let trainer = try Trainer(
      model, loss: method.chosenLoss(), optimizer: method.chosenOptimizer(),
      schedule: method.chosenSchedule(steps: method.epochs * training.count), metrics: method.metrics(), seed: seed,
      rematerialize: Rematerialization(patterns: method.rematerialize))
    if files.resume, let checkpoint = files.checkpoint { try trainer.restore(from: URL(filePath: checkpoint)) }

    let meter = TrainingMeter(epochs: method.epochs, isQuiet: json)
    let log = TrainingLog()
    for try await epoch in trainer.fit(
      training, epochs: method.epochs, validation: validation, checkpoint: files.policy,
      report: { report in
        meter.show(report)
        log.add(report)
      })
    {
      meter.end(epoch)
      log.add(epoch)
      if json { Console.output(try JSONText.encodeLine(epoch)) }
    }
    try trainer.model.save(to: URL(filePath: files.output))
    try files.write(log)
  }
}
