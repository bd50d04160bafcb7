import Foundation
import GraftFiles
import Testing

@testable import Graft

/// Optimiser states that come from PyTorch and go back.
@Suite struct OptimizerStateTests {
  private func temporary(_ name: String) -> URL {
    FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-\(name)")
  }

  private func trainer(_ reference: TorchReference, from prefix: String) throws -> Trainer {
    let tensors = reference.tensors.filter { $0.key.hasPrefix(prefix) }
    let model = try SmallNetwork.model(
      Dictionary(uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst(prefix.count)), $0.value) }))
    return try Trainer(
      model, loss: .crossEntropy, optimizer: .adamW(learningRate: 0.01, beta1: 0.8, beta2: 0.99, weightDecay: 0.1))
  }

  private func train(_ trainer: Trainer, _ steps: Range<Int>, _ reference: TorchReference) throws {
    let (x, y) = (try reference.tensor("x"), try reference.tensor("y"))
    for step in steps {
      try trainer.step(["x": x[16 * step..<16 * step + 16], "y": y[16 * step..<16 * step + 16]])
    }
  }

  private func compare(_ trainer: Trainer, _ reference: TorchReference) throws {
    let model = try trainer.model
    for parameter in model.parameters {
      let own = try model.tensor(at: parameter.path).elements(of: Double.self)
      let error = relativeError(own, try reference.numbers("END.\(parameter.path)"))
      #expect(error < 1e-12, "\(parameter.path) differs by \(error)")
    }
  }

  @Test func goOnHereAndThere() throws {
    let (state, weights) = (temporary("state.pt"), temporary("weights.safetensors"))
    defer { for url in [state, weights] { try? FileManager.default.removeItem(at: url) } }
    let begun = try TorchReference("travel.py", "start", state.path)
    // Five steps in PyTorch; these five and five more here.
    let whole = try trainer(begun, from: "START.")
    try train(whole, 0..<5, begun)
    try compare(whole, begun)
    try train(whole, 5..<10, begun)
    // Five more from PyTorch's state.
    let second = try trainer(begun, from: "END.")
    try second.importOptimizerState(from: state, format: .torch)
    #expect(second.step == 5)
    // And back, before they are taken: PyTorch takes them from the state that was written here.
    try second.exportOptimizerState(to: state, format: .torch)
    try second.model.exportWeights(to: weights, for: .torch)
    let ended = try TorchReference("travel.py", "go-on", state.path, weights.path)
    try compare(whole, ended)
    try train(second, 5..<10, begun)
    try compare(second, ended)
  }

  @Test func goOnInOptaxAndComeBack() throws {
    let (state, weights, data) = (
      temporary("state.safetensors"), temporary("weights.safetensors"), temporary("data.npz")
    )
    let torchState = temporary("state.pt")
    defer { for url in [state, weights, data, torchState] { try? FileManager.default.removeItem(at: url) } }
    let begun = try TorchReference("travel.py", "start", torchState.path)
    // Five steps in PyTorch; its state goes through here to optax, which takes five more.
    let first = try trainer(begun, from: "END.")
    try first.importOptimizerState(from: torchState, format: .torch)
    try first.exportOptimizerState(to: state, format: .optax)
    try first.model.exportWeights(to: weights, for: .jax)
    try TensorFile(data).write(["x": begun.tensor("x")[80..<160], "y": begun.tensor("y")[80..<160]])
    let ended = try TorchReference("optax_travel.py", state.path, weights.path, data.path)
    try train(first, 5..<10, begun)
    try compare(first, ended)
    // And back: what optax wrote is what the same steps make here.
    let second = try trainer(ended, from: "END.")
    try second.importOptimizerState(from: state, format: .optax)
    #expect(second.step == 10)
    try first.exportOptimizerState(to: weights, format: .optax)
    let (own, other) = (try TensorFile(weights).read(), try TensorFile(state).read())
    #expect(own.keys == other.keys)
    for (name, tensor) in other {
      let error = relativeError(
        try own[name]?.converted(to: .float64).elements(of: Double.self) ?? [],
        try tensor.converted(to: .float64).elements(of: Double.self))
      #expect(error < 1e-12, "\(name) differs by \(error)")
    }
  }

  @Test func goThroughOptaxFiles() throws {
    let (state, file) = (temporary("state.pt"), temporary("state.safetensors"))
    defer { for url in [state, file] { try? FileManager.default.removeItem(at: url) } }
    let begun = try TorchReference("travel.py", "start", state.path)
    let first = try trainer(begun, from: "START.")
    try train(first, 0..<3, begun)
    try first.exportOptimizerState(to: file, format: .optax)
    let tensors = try TensorFile(file).read()
    #expect(tensors.count == 9)
    #expect(try tensors["count"]?.scalar(as: Int32.self) == 3)
    #expect(tensors["mu.first.weight"]?.shape == [16, 8])
    let second = try trainer(begun, from: "START.")
    try second.importOptimizerState(from: file, format: .optax)
    try second.exportOptimizerState(to: state, format: .optax)
    #expect(try Data(contentsOf: state) == Data(contentsOf: file))
  }

  @Test func refusesStatesOfOthers() throws {
    let state = temporary("state.pt")
    defer { try? FileManager.default.removeItem(at: state) }
    let begun = try TorchReference("travel.py", "start", state.path)
    let model = try trainer(begun, from: "START.").model
    let adagrad = try Trainer(model, loss: .crossEntropy, optimizer: .adagrad())
    #expect(throws: Problem.self) { try adagrad.importOptimizerState(from: state, format: .torch) }
    var part = model
    part.freeze { $0 == "first.bias" }
    let fewer = try Trainer(part, loss: .crossEntropy, optimizer: .adam())
    try fewer.importOptimizerState(from: state, format: .torch)
    part.freeze { $0 == "first.weight" }
    #expect(throws: Problem.self) { try fewer.importOptimizerState(from: state, format: .optax) }
  }
}
