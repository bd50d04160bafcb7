import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

/// Batch normalisation after a convolution: in the weight where weights are known when the plan is made, beside a step of
/// its own where they are inputs.
@Suite struct FoldedNormalizationTests {
  /// x, weight, bias, mean, variance, scale, shift.
  private static let shapes = [[2, 5, 6, 7], [8, 5, 3, 3], [8], [8], [8], [8], [8]]

  private static func body(hasBias: Bool) -> String {
    """
    %c.7 = conv(%x0.0, %x1.1\(hasBias ? ", %x2.2" : "")) \
    {dilation = [1, 1], padding = [1, 1, 1, 1], spread = [1, 1], stride = [1, 1]} : f32[2,8,6,7]
    %n.8, %m.9, %v.10 = batch_norm(%c.7, %x5.5, %x6.6, %x3.3, %x4.4) \
    {eps = 0.001, momentum = 0.1, statistics = "running"} : f32[2,8,6,7], f32[8], f32[8]
    %y.11 = relu(%n.8) : f32[2,8,6,7]
    """
  }

  private func tensors() throws -> [TensorData] {
    var random = KernelRandom(seed: 5)
    var tensors = try Self.shapes.map { try TensorData(shape: $0, elements: random.floats($0.reduce(1, *))) }
    tensors[4] = try TensorData(shape: [8], elements: random.floats(8).map { 0.1 + $0 * $0 })
    return tensors
  }

  /// The program with all but x as parameters.
  private func folded(_ tensors: [TensorData], hasBias: Bool) throws -> NativeProgram {
    let parameters = Self.shapes.indices.dropFirst().map { index in
      "  %x\(index).\(index): f32[\(Self.shapes[index].map(String.init).joined(separator: ","))] = parameter \"\(index)\""
    }
    let text = """
      function f ""
      symbols {
      }
      arguments {
        %x0.0: f32[2,5,6,7] = input #0
      \(parameters.joined(separator: "\n"))
      }
      inputs {"x": #0} names ["x"]
      outputs #0
      body {
      \(Self.body(hasBias: hasBias))
        return %y.11
      }
      """
    return try NativeProgram(
      IRParser.parse(text), kernels: NativeKernelSet(KernelPath.choose(environment: [:])), pool: ThreadPool(width: 1)
    ) { argument in argument.path.flatMap { Int($0) }.map { tensors[$0] } }
  }

  @Test(arguments: [false, true]) func weightsTakeScaleAndShift(_ hasBias: Bool) throws {
    let tensors = try tensors()
    let program = try folded(tensors, hasBias: hasBias)
    let plan = try program.plan(for: [Self.shapes[0]])
    // What is left of the normalisation is an addition, and goes with the activation.
    #expect(plan.steps.map(\.name) == ["transpose", "conv", "elementwise x2"])
    let results = try program.run([tensors[0]])[0].withElements(of: Float.self) { Array($0) }
    let steps = try NativeText.run(Self.body(hasBias: hasBias), returning: "%y.11", tensors)[0]
    let exact = try steps.withElements(of: Float.self) { Array($0) }
    #expect(results.count == exact.count)
    #expect(zip(results, exact).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
  }
}
