import Testing

@testable import Graft

/// Losses and their gradients against those of `torch.nn`, in float64.
@Suite struct LossTests {
  private static func cases() throws -> [(name: String, loss: Loss)] {
    let weight = try Tensor([0.5, 1.0, 2.0, 0.25])
    let twice = try Tensor([1.0, 2.0, 4.0, 0.5])
    return [
      ("mse", .meanSquaredError()), ("mse none", .meanSquaredError(reduction: .none)),
      ("mae sum", .meanAbsoluteError(reduction: .sum)), ("huber", .huber(delta: 0.7)),
      ("smooth l1", .smoothL1(beta: 0.6)), ("poisson", .poissonNLL(full: true)),
      ("poisson rate", .poissonNLL(logInput: false, epsilon: 1e-6)),
      ("gaussian", .gaussianNLL(full: true, epsilon: 0.3)),
      ("kl", .klDivergence()), ("kl batch", .klDivergence(logTarget: true, batchMean: true)),
      ("cross entropy", .crossEntropy),
      ("cross entropy weighted", .crossEntropy(weight: weight, labelSmoothing: 0.2)),
      ("cross entropy none", .crossEntropy(weight: weight, reduction: .none)),
      ("cross entropy sum", .crossEntropy(reduction: .sum)),
      ("cross entropy soft", .crossEntropy(weight: weight, labelSmoothing: 0.1)),
      ("cross entropy last", .crossEntropy(classAxis: -1)), ("nll", .nll(weight: weight, ignoreIndex: 2)),
      ("bce", .binaryCrossEntropy(weight: weight)),
      ("bce logits", .binaryCrossEntropyWithLogits(weight: weight, positiveWeight: twice)),
      ("multilabel soft margin", .multilabelSoftMargin(weight: weight)), ("multilabel margin", .multilabelMargin()),
      ("multi margin", .multiMargin(margin: 0.8)),
      ("multi margin squared", .multiMargin(power: 2, weight: weight, reduction: .sum)),
      ("margin ranking", .marginRanking(margin: 0.3)), ("hinge embedding", .hingeEmbedding(margin: 0.9)),
      ("soft margin", .softMargin()), ("cosine embedding", .cosineEmbedding(margin: 0.1)),
      ("triplet", .tripletMargin(margin: 0.8, swap: true)),
      ("triplet distance", .tripletMargin(margin: 2) { try ($0 - $1).abs().sum([-1]) }), ("ctc", ctcOfScores),
    ]
  }

  /// PyTorch's gradient of its CTC loss is right for log-probabilities that come from a softmax.
  private static let ctcOfScores = Loss(named: "ctc") { arguments in
    let probabilities = (name: "", tensor: try arguments.output.logSoftmax())
    return try Loss.ctc().build(LossArguments(outputs: [probabilities], targets: arguments.targets))
  }

  @Test func agreeWithTorch() throws {
    let reference = try TorchReference("losses.py")
    let cases = try Self.cases()
    #expect(cases.count == Set(reference.tensors.keys.compactMap { $0.split(separator: "/").first }).count)
    for (name, loss) in cases {
      let outputs = (0..<3).compactMap { reference.tensors["\(name)/output\($0)"] }
      let targets = (0..<3).compactMap { reference.tensors["\(name)/target\($0)"] }
      let function = Function(arity: outputs.count + targets.count) { tensors in
        let arguments = LossArguments(
          outputs: tensors.prefix(outputs.count).map { (name: "", tensor: $0) },
          targets: tensors.dropFirst(outputs.count).map { (name: "", tensor: $0) })
        return [try loss.build(arguments)]
      }
      let exact = try reference.numbers("\(name)/value")
      let value = try function.results(outputs + targets)[0].elements(of: Double.self)
      let error = relativeError(value, exact)
      #expect(error < 1e-12, "\(name) differs by \(error)")
      guard reference.tensors["\(name)/gradient0"] != nil else { continue }
      let gradients = try function.gradients(outputs + targets, withRespectTo: Array(outputs.indices))
      for (index, gradient) in gradients.enumerated() {
        let error = relativeError(
          try gradient.elements(of: Double.self), try reference.numbers("\(name)/gradient\(index)"))
        #expect(error < 1e-11, "\(name): gradient \(index) differs by \(error)")
      }
    }
  }
}
