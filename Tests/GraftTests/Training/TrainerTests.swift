import Foundation
import GraftIR
import Synchronization
import Testing

@testable import Graft

/// Training of a small network.
@Suite struct TrainerTests {
  private static let optimizer = Optimizer.adamW(learningRate: 0.01, weightDecay: 0.1)
    .withoutDecay { $0.hasSuffix("bias") }

  private func temporary(_ name: String) -> URL {
    FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)")
  }

  /// 100 samples of 8 numbers, and their classes, which follow from the numbers.
  private func data(_ dtype: DType = .float32) throws -> TensorDataset {
    let x = try Tensor(random: [100, 8], dtype: dtype, seed: 5)
    let numbers = try x.converted(to: .float64).elements(of: Double.self)
    let classes = (0..<100).map { row -> Int64 in
      (numbers[8 * row] > 0 ? 1 : 0) + (numbers[8 * row + 1] > 0 ? 2 : 0)
    }
    return try TensorDataset(["x": x, "y": Tensor(classes)])
  }

  private func model(normalised: Bool = false) throws -> Model {
    var start: [String: Tensor] = [:]
    var shapes = [("first.weight", [16, 8]), ("first.bias", [16]), ("second.weight", [4, 16]), ("second.bias", [4])]
    if normalised {
      shapes += [("norm.weight", [16]), ("norm.bias", [16]), ("norm.running_mean", [16])]
      start["norm.running_var"] = try Tensor(repeating: Float(1), shape: [16])
    }
    for (path, shape) in shapes { start[path] = try Tensor(random: shape, seed: path.stableHash) }
    return try SmallNetwork.model(start, .float32)
  }

  @Test(arguments: ["plain", "normalised"]) func followsTorch(_ kind: String) async throws {
    let reference = try TorchReference("mlp.py", kind)
    let trainer = try Trainer(
      SmallNetwork.model(reference), loss: .crossEntropy(labelSmoothing: 0.1),
      optimizer: Self.optimizer.clippingGradients(.norm(0.7)), schedule: .cosine(warmup: 4, total: 12),
      metrics: [.accuracy])
    let data = try TensorDataset(["x": reference.tensor("x"), "y": reference.tensor("y")])
    let losses = Mutex<[Double]>([])
    var accuracies: [Double] = []
    for try await epoch in trainer.fit(
      data.batched(32), epochs: 3, report: { step in losses.withLock { $0.append(step.loss) } })
    {
      accuracies.append(epoch.accuracy ?? .nan)
    }
    #expect(relativeError(losses.withLock { $0 }, try reference.numbers("losses")) < 1e-11)
    #expect(relativeError(accuracies, try reference.numbers("accuracies")) < 1e-12)
    let evaluated = try await trainer.evaluate(data)
    #expect(relativeError([evaluated.loss], try reference.numbers("evaluation")) < 1e-11)
    let model = try trainer.model
    for name in reference.tensors.keys where name.hasPrefix("END.") && !name.hasSuffix("tracked") {
      let own = try model.tensor(at: String(name.dropFirst(4))).elements(of: Double.self)
      let error = relativeError(own, try reference.numbers(name))
      #expect(error < 1e-10, "\(name) differs by \(error)")
    }
  }

  @Test(arguments: [false, true]) func resumesBitByBit(_ normalised: Bool) async throws {
    let data = try data()
    let batches = data.batched(16).shuffled(seed: 7)
    let (whole, part, resumed) = (temporary("whole"), temporary("part"), temporary("resumed"))
    defer { for url in [whole, part, resumed] { try? FileManager.default.removeItem(at: url) } }
    func trainer() throws -> Trainer {
      try Trainer(
        model(normalised: normalised), loss: .crossEntropy,
        optimizer: Self.optimizer.averagingParameters(decay: 0.9).accumulatingGradients(over: 2),
        schedule: .plateau(patience: 0, threshold: 0.2), metrics: [.accuracy, .topK(2)], seed: 9)
    }
    let first = try trainer()
    var expected: [Epoch] = []
    for try await epoch in first.fit(batches, epochs: 3, validation: data) { expected.append(epoch) }
    try first.save(to: whole)

    struct Stop: Error {}
    let stopped = try trainer()
    let policy = CheckpointPolicy(part, everyBatches: 3)
    for try await _ in stopped.fit(batches, epochs: 1, validation: data) {}
    let reports = Mutex(0)
    let task = Task {
      for try await _ in stopped.fit(
        batches, epochs: 3, validation: data, checkpoint: policy,
        report: { report in
          if reports.withLock({
            $0 += 1; return $0
          }) == 5 {
            withUnsafeCurrentTask { $0?.cancel() }
          }
        })
      {}
    }
    _ = try? await task.value
    #expect(reports.withLock { $0 } == 5)

    let again = try trainer()
    try again.restore(from: part)
    var epochs: [Epoch] = []
    for try await epoch in again.fit(batches, epochs: 3, validation: data) { epochs.append(epoch) }
    try again.save(to: resumed)
    #expect(try Data(contentsOf: resumed) == Data(contentsOf: whole))
    #expect(epochs.map(\.training) == expected.suffix(2).map(\.training))
    #expect(epochs.map(\.validation) == expected.suffix(2).map(\.validation))
  }

  @Test func learnsWhatCanBeLearnt() async throws {
    let data = try data()
    let trainer = try Trainer(
      model(), loss: .crossEntropy, optimizer: .adam(learningRate: 0.02), metrics: [.accuracy])
    var last: Epoch?
    for try await epoch in trainer.fit(data.batched(25).shuffled(seed: 1), epochs: 40, validation: data) {
      last = epoch
    }
    #expect((last?.validation?.accuracy ?? 0) > 0.95)
    #expect(trainer.step == 160)
  }

  @Test func stopsAtALossThatIsNotFinite() async throws {
    var model = try model()
    try model.replace(["second.weight": Tensor(repeating: Float.nan, shape: [4, 16])])
    model.freeze { $0 == "second.weight" }
    let trainer = try Trainer(model, loss: .crossEntropy, optimizer: .sgd())
    let (before, after) = (temporary("before"), temporary("after"))
    defer { for url in [before, after] { try? FileManager.default.removeItem(at: url) } }
    try trainer.save(to: before)
    do {
      for try await _ in trainer.fit(try data().batched(10), epochs: 1) {}
      Issue.record("training went on")
    } catch let problem as Problem {
      #expect(problem.code == "not-finite")
      #expect(problem.details.first?.contains("`second`") == true, "\(problem)")
      #expect(problem.details.last?.contains(before.path) == true)
    }
    #expect(trainer.step == 0)
  }

  @Test func refusesDataThatDoNotFit() async throws {
    let trainer = try Trainer(model(), loss: .crossEntropy, optimizer: .sgd())
    func fit(_ columns: KeyValuePairs<String, Tensor>) async throws {
      for try await _ in trainer.fit(try TensorDataset(columns).batched(2), epochs: 1) {}
    }
    let y: Tensor = [0, 1, 2]
    await #expect(throws: Problem.self) { try await fit(["x": Tensor(random: [3, 7]), "y": y]) }
    await #expect(throws: Problem.self) { try await fit(["x": Tensor(random: [3, 8])]) }
    await #expect(throws: Problem.self) { try await fit(["x": Tensor(random: [3, 8]), "y": Tensor(random: [3, 5])]) }
    await #expect(throws: Problem.self) {
      for try await _ in trainer.fit(try data().batched(0), epochs: 1) {}
    }
    #expect(trainer.step == 0)
  }

  @Test func givesALossItsGradients() throws {
    var model = try model()
    model.freeze { $0.hasPrefix("first") }
    let batch = try data().batch(Array(0..<10))
    let (value, gradients) = try model.valueAndGradient(["x": batch[0], "y": batch[1]], loss: .crossEntropy)
    #expect(gradients.keys.sorted() == ["second.bias", "second.weight"])
    // A small step along the gradient changes the loss by its square.
    var moved = model
    let (bias, gradient) = (
      try model.tensor(at: "second.bias").elements(of: Float.self),
      try gradients["second.bias"]?.elements(of: Float.self)
    )
    let step = zip(bias, try #require(gradient)).map { $0 + 0.01 * $1 }
    try moved.replace(["second.bias": Tensor(step)])
    let after = try moved.valueAndGradient(["x": batch[0], "y": batch[1]], loss: .crossEntropy).value
    let expected = 0.01 * (gradient ?? []).reduce(0) { $0 + $1 * $1 }
    let change = try after.scalar(as: Float.self) - value.scalar(as: Float.self)
    #expect(abs(change - expected) < 0.05 * expected)
  }

  @Test func leavesFrozenParametersAsTheyAre() async throws {
    var model = try model()
    model.freeze { !$0.hasPrefix("second") }
    try model.reinitialize("second", seed: 3)
    let trainer = try Trainer(model, loss: .crossEntropy, optimizer: Self.optimizer)
    for try await _ in trainer.fit(try data().batched(10), epochs: 1) {}
    let trained = try trainer.model
    for parameter in model.parameters {
      let isSame = try trained.tensor(at: parameter.path) == model.tensor(at: parameter.path)
      #expect(isSame == !parameter.path.hasPrefix("second"), "\(parameter.path)")
    }
    model.freeze { _ in true }
    #expect(throws: Problem.self) { try Trainer(model, loss: .crossEntropy, optimizer: .sgd()) }
  }

  @Test func takesLossesAndMetricsOfOnesOwn() throws {
    let trainer = try Trainer(
      model(), loss: Loss(named: "size") { try $0.output.squared().mean() }, optimizer: .sgd(learningRate: 0.1),
      metrics: [Metric("size") { try $0.output.abs() }])
    let batch = try data().batch(Array(0..<20))
    let first = try trainer.step(["x": batch[0]])
    for _ in 0..<50 { try trainer.step(["x": batch[0]]) }
    let last = try trainer.step(["x": batch[0]])
    #expect(last.loss < first.loss / 4)
    #expect((last.metrics["size"] ?? 1) < (first.metrics["size"] ?? 0) / 2)
    let vector = try Trainer(model(), loss: Loss { output, _ in output }, optimizer: .sgd())
    #expect(throws: Problem.self) { try vector.step(["x": batch[0]]) }
  }

  @Test(arguments: [false, true]) func savesAModelThatRunsAlike(_ normalised: Bool) async throws {
    let trainer = try Trainer(model(normalised: normalised), loss: .crossEntropy, optimizer: .adam(learningRate: 0.02))
    for try await _ in trainer.fit(try data().batched(20), epochs: 2) {}
    let (package, weights) = (temporary("model.graft"), temporary("weights.safetensors"))
    defer { for url in [package, weights] { try? FileManager.default.removeItem(at: url) } }
    let trained = try trainer.model
    try trained.save(to: package)
    let x = try Tensor(random: [5, 8], seed: 2)
    #expect(try Model(contentsOf: package)(x) == trained(x))
    try trained.exportWeights(to: weights, for: .torch)
    let exported = try TensorFile(weights).read()
    let norm = ["norm.bias", "norm.running_mean", "norm.running_var", "norm.weight"]
    let first = normalised ? ["first.weight"] + norm : ["first.bias", "first.weight"]
    let paths = first + ["second.bias", "second.weight"]
    #expect(exported.keys.sorted() == paths)
    for path in paths { #expect(try exported[path] == trained.tensor(at: path)) }
    // The emitted module takes state apart from parameters where there is any.
    try trained.exportWeights(to: weights, for: .jax)
    let emitted = try TensorFile(weights).read().keys.sorted()
    #expect(
      emitted == (normalised ? paths.map { ($0.contains("running") ? "state." : "params.") + $0 }.sorted() : paths))
  }

  @Test func refusesForeignCheckpoints() throws {
    let url = temporary("checkpoint")
    defer { try? FileManager.default.removeItem(at: url) }
    let trainer = try Trainer(model(), loss: .crossEntropy, optimizer: .adam())
    try trainer.save(to: url)
    #expect(throws: Problem.self) {
      try Trainer(model(), loss: .crossEntropy, optimizer: .sgd()).restore(from: url)
    }
    #expect(throws: Problem.self) {
      try Trainer(model(), loss: .crossEntropy, optimizer: .adam(beta1: 0.8)).restore(from: url)
    }
    let bytes = try Data(contentsOf: url)
    try bytes.prefix(bytes.count - 8).write(to: url)
    #expect(throws: Problem.self) { try trainer.restore(from: url) }
  }
}
