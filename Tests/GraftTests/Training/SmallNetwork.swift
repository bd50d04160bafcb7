import Foundation
import GraftFiles
import GraftIR
import GraftOps

@testable import Graft

/// The network of `Torch/mlp.py` as a package in a temporary file: linear, relu, linear; or
/// linear without a bias, batch normalisation, relu, linear.
enum SmallNetwork {
  static func function(_ dtype: DType, normalised: Bool) throws -> GraftIR.Function {
    let builder = GraphBuilder(GraftIR.Function(name: "network"))
    builder.function.symbols = [Symbol("N", minimum: 1, sizes: [2, 3])]
    let x = builder.addInput("x", TensorType(dtype, [.symbol("N"), 8]))
    func parameter(_ path: String, _ shape: [Dim]) -> Operand {
      let value = builder.function.makeValue(TensorType(dtype, shape))
      builder.function.arguments.append(Argument(.parameter(path: path, trainable: true, aliases: []), value))
      return .value(value)
    }
    func within(_ path: String, _ className: String) {
      builder.origin = Origin(modules: [ModuleCall(path: path, className: className)])
    }
    within("first", "torch.nn.modules.linear.Linear")
    let weight = parameter("first.weight", [16, 8])
    let bias = normalised ? Operand.absent : parameter("first.bias", [16])
    let first = try builder(.linear, x.operand, weight, bias)
    var (hidden, updates) = (first, [StateUpdate]())
    if normalised {
      within("norm", "torch.nn.modules.batchnorm.BatchNorm1d")
      let mean = builder.addState("norm.running_mean", TensorType(dtype, [16]))
      let variance = builder.addState("norm.running_var", TensorType(dtype, [16]))
      let results = try builder.apply(
        .batchNorm,
        [first, parameter("norm.weight", [16]), parameter("norm.bias", [16]), mean.operand, variance.operand])
      hidden = results[0]
      updates = [
        StateUpdate(path: "norm.running_mean", value: results[1]),
        StateUpdate(path: "norm.running_var", value: results[2]),
      ]
    }
    within("", "Network")
    let active = try builder(.relu, hidden)
    within("second", "torch.nn.modules.linear.Linear")
    let second = try builder(
      .linear, active, parameter("second.weight", [4, 16]), parameter("second.bias", [4]))
    var function = builder.finished([(name: "logits", tensor: GraphTensor(builder, second))])
    function.stateUpdates = updates
    return function
  }

  /// The package with tensors by path.
  static func model(_ tensors: [String: Tensor], _ dtype: DType = .float64) throws -> Model {
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).graft")
    defer { try? FileManager.default.removeItem(at: url) }
    try AtomicWriter.write(to: url.path) { writer in
      try GraftPackage.write(function(dtype, normalised: tensors["norm.weight"] != nil), to: writer) { argument in
        try argument.path.flatMap { tensors[$0] }?.converted(to: dtype).data
      }
    }
    return try Model(contentsOf: url, threads: 1)
  }

  /// The package with the parameters that torch began with.
  static func model(_ reference: TorchReference, _ dtype: DType = .float64) throws -> Model {
    let start = reference.tensors.filter { $0.key.hasPrefix("START.") }
    return try model(Dictionary(uniqueKeysWithValues: start.map { (String($0.key.dropFirst(6)), $0.value) }), dtype)
  }
}
