import Testing

@testable import Graft

@Suite struct LBFGSTests {
  @Test func takesTheStepsOfTorch() throws {
    let reference = try TorchReference("lbfgs.py")
    let weights = try reference.tensor("weights")
    let function = Function(arity: 3) { tensors in
      let (a, b) = (tensors[0], tensors[1])
      let bowl = try (tensors[2] * a.squared()).sum() + 0.1 * a.squared().squared().sum()
      return [try bowl + (b - a.sum([1])).squared().sum()]
    }
    var parameters = ["a": try reference.tensor("a"), "b": try reference.tensor("b")]
    var optimizer = LBFGS(learningRate: 0.6, iterations: 4, history: 3)
    var (losses, points) = ([Double](), [Double]())
    for _ in 0..<6 {
      let loss = try optimizer.step(&parameters) { point in
        guard let a = point["a"], let b = point["b"] else { throw Problem.missing("a parameter") }
        let (value, gradients) = try function.valueAndGradient(a, b, weights, withRespectTo: [0, 1])
        return (try value.scalar(as: Double.self), ["a": gradients[0], "b": gradients[1]])
      }
      losses.append(loss)
      points += try (parameters["a"]?.elements() ?? []) + (parameters["b"]?.elements() ?? [])
    }
    #expect(relativeError(losses, try reference.numbers("losses")) < 1e-12)
    #expect(relativeError(points, try reference.numbers("points")) < 1e-12)
    #expect((losses.last ?? 1) < 0.02 * losses[0])
    #expect(throws: Problem.self) { try optimizer.step(&parameters) { _ in (1, [:]) } }
  }
}
