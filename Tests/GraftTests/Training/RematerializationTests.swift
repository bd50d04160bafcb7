import Foundation
import GraftFiles
import GraftIR
import GraftOps
import Testing

@testable import Graft

/// A row of blocks, each of which widens its input and narrows it again.
@Suite struct RematerializationTests {
  private static let (blocks, width) = (12, 16)

  private func model() throws -> Model {
    let builder = GraphBuilder(GraftIR.Function(name: "blocks"))
    var x = builder.addInput("x", TensorType(.float32, [64, Dim(Self.width)])).operand
    var weights: [String: Tensor] = [:]
    for block in 0..<Self.blocks {
      builder.origin = Origin(modules: [ModuleCall(path: "blocks.\(block)", className: "Block")])
      func linear(_ x: Operand, _ name: String, _ rows: Int, _ columns: Int) throws -> Operand {
        let path = "blocks.\(block).\(name)"
        let value = builder.function.makeValue(TensorType(.float32, [Dim(rows), Dim(columns)]))
        builder.function.arguments.append(Argument(.parameter(path: path, trainable: true, aliases: []), value))
        let numbers = try Tensor(random: [rows, columns], seed: UInt64(weights.count)).elements(of: Float.self)
        weights[path] = try Tensor(numbers.map { $0 / 16 }, shape: [rows, columns])
        return try builder(.linear, x, .value(value), .absent)
      }
      let wide = try builder(.tanh, linear(x, "up", 8 * Self.width, Self.width))
      x = try builder(.add, x, linear(builder(.gelu, wide), "down", Self.width, 8 * Self.width))
    }
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).graft")
    defer { try? FileManager.default.removeItem(at: url) }
    let function = builder.finished([(name: "y", tensor: GraphTensor(builder, x))])
    try AtomicWriter.write(to: url.path) { writer in
      try GraftPackage.write(function, to: writer) { argument in argument.path.flatMap { weights[$0] }?.data }
    }
    return try Model(contentsOf: url, threads: 1)
  }

  private func trainer(_ rematerialization: Rematerialization) throws -> Trainer {
    try Trainer(
      model(), loss: Loss(named: "size") { try $0.output.squared().mean() }, optimizer: .sgd(learningRate: 1e-3),
      rematerialize: rematerialization)
  }

  @Test func takesLessMemoryForTheSameNumbers() throws {
    let batch = ["x": try Tensor(random: [64, Self.width], seed: 9)]
    let (kept, again) = (try trainer(.none), try trainer(.modules("blocks.*")))
    for _ in 0..<5 {
      let (loss, other) = (try kept.step(named: batch).loss, try again.step(named: batch).loss)
      #expect(abs(loss - other) < 1e-5 * loss)
    }
    func weights(_ trainer: Trainer) throws -> [Double] {
      try trainer.model.tensor(at: "blocks.0.up").elements(of: Float.self).map(Double.init)
    }
    #expect(try relativeError(weights(again), weights(kept)) < 1e-5)
    let (whole, less) = (try kept.profile(named: batch), try again.profile(named: batch))
    #expect(less.kernels.count > whole.kernels.count)
    #expect(Double(less.arenaBytes) < 0.6 * Double(whole.arenaBytes), "\(less.arenaBytes) of \(whole.arenaBytes) bytes")
  }
}
