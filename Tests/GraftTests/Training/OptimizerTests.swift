import Testing

@testable import Graft

/// Fifty steps of every optimiser in float64 against `torch.optim`, on the same gradients.
@Suite struct OptimizerTests {
  private static let cases: [(name: String, optimizer: Optimizer)] = [
    ("sgd", .sgd(learningRate: 0.1)),
    ("sgd momentum", .sgd(learningRate: 0.1, momentum: 0.9, dampening: 0.3, weightDecay: 0.05)),
    ("sgd nesterov", .sgd(learningRate: 0.1, momentum: 0.8, weightDecay: 0.05, nesterov: true)),
    ("adam", .adam(learningRate: 0.01, beta1: 0.8, beta2: 0.99, weightDecay: 0.1)),
    ("adam amsgrad", .adam(learningRate: 0.01, amsgrad: true)),
    ("adamw", .adamW(learningRate: 0.01, weightDecay: 0.1)),
    ("adamw amsgrad", .adamW(learningRate: 0.01, weightDecay: 0.1, amsgrad: true)),
    ("rmsprop", .rmsprop(learningRate: 0.01, weightDecay: 0.02)),
    ("rmsprop centered", .rmsprop(learningRate: 0.01, alpha: 0.9, momentum: 0.7, centered: true)),
    ("adagrad", .adagrad(learningRate: 0.1, learningRateDecay: 0.03, weightDecay: 0.02, initialAccumulator: 0.1)),
    ("adadelta", .adadelta(learningRate: 0.5, rho: 0.85, weightDecay: 0.02)),
    ("adamax", .adamax(learningRate: 0.01, weightDecay: 0.02)),
    ("nadam", .nadam(learningRate: 0.01, weightDecay: 0.02)),
    ("radam", .radam(learningRate: 0.01, weightDecay: 0.02)),
    ("lion", .lion(learningRate: 0.01, weightDecay: 0.1)),
    (
      "groups",
      .adamW(learningRate: 0.01, weightDecay: 0.1).withGroup(learningRate: 0.05) { $0 == "weight" }
        .withoutDecay { $0 == "bias" }
    ),
    ("clipped norm", .sgd(learningRate: 0.1).clippingGradients(.norm(2.5))),
    ("clipped value", .sgd(learningRate: 0.1).clippingGradients(.value(0.5))),
    ("averaged", .sgd(learningRate: 0.1).averagingParameters(decay: 0.9)),
  ]

  @Test func takesTheStepsOfTorch() throws {
    let reference = try TorchReference("optimizers.py")
    let gradients = try ["weight", "bias"].map { ($0, try reference.tensor("GRADIENTS.\($0)")) }
    for (name, optimizer) in Self.cases {
      var parameters = ["weight": try reference.tensor("START.weight"), "bias": try reference.tensor("START.bias")]
      var run = try optimizer.run(for: parameters)
      var history: [String: [Double]] = [:]
      for step in 0..<50 {
        let slices = try gradients.map { ($0, try $1[step]) }
        try run.update(&parameters, Dictionary(uniqueKeysWithValues: slices))
        for (path, tensor) in parameters { history[path, default: []] += try tensor.elements(of: Double.self) }
      }
      for (path, own) in history {
        let error = relativeError(own, try reference.numbers("\(name)/\(path)"))
        #expect(error <= 1e-12, "\(name): \(path) differs by \(error)")
      }
      var compared = 0
      for (variable, tensor) in run.state {
        let slot = variable.hasPrefix("optimizer.") ? String(variable.dropFirst("optimizer.".count)) : variable
        let exact =
          try slot == "mu_product" ? reference.numbers("\(name)/mu_product.bias") : reference.numbers("\(name)/\(slot)")
        let error = relativeError(try tensor.elements(of: Double.self), exact)
        #expect(error <= 1e-12, "\(name): \(slot) differs by \(error)")
        compared += 1
      }
      #expect(compared == reference.tensors.keys.filter { $0.hasPrefix("\(name)/") }.count - (name == "nadam" ? 3 : 2))
    }
  }

  @Test func namesTheGradientThatIsMissing() throws {
    var parameters: [String: Tensor] = ["weight": [1, 2]]
    parameters["weight"] = try parameters["weight"]?.converted(to: .float32)
    var run = try Optimizer.sgd().run(for: parameters)
    #expect(throws: Problem.self) { try run.update(&parameters, [:]) }
    #expect(run.step == 0)
  }

  @Test func refusesWhatCannotBeTrained() throws {
    #expect(throws: Problem.self) { try Optimizer.sgd().run(for: ["ids": [1, 2, 3]]) }
    #expect(throws: Problem.self) { try Optimizer.sgd(learningRate: .nan).run(for: ["w": [1.5]]) }
    #expect(throws: Problem.self) { try Optimizer.sgd(nesterov: true).run(for: ["w": [1.5]]) }
    #expect(throws: Problem.self) {
      try Optimizer.adam().averagingParameters(decay: 2).run(for: ["w": [1.5]])
    }
  }
}
