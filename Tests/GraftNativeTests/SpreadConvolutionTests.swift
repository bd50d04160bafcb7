import GraftFiles
import GraftIR
import NativeKernels
import Testing

@testable import GraftNative

/// Convolutions over pixels with zeros between, as transposed convolutions and the way back through strides are: in float32,
/// where they are taken apart by the remainders of their places, beside float64, which multiplies the zeros.
@Suite struct SpreadConvolutionTests {
  @Test func randomSpreads() throws {
    for seed in 0..<40 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = SpreadConvolution(&random)
      let (single, double) = (try problem.run(isDouble: false), try problem.run(isDouble: true))
      let results = try single.withElements(of: Float.self) { Array($0) }
      let exact = try double.withElements(of: Double.self) { Array($0) }
      #expect(single.shape == problem.output)
      let wrong = zip(results, exact).count { abs(Double($0) - $1) > 1e-5 * max(1, abs($1)) }
      #expect(wrong == 0, "seed \(seed): \(wrong) of \(exact.count) in \(problem.text(isDouble: false))")
    }
  }

  @Test func zerosAreNotMultiplied() throws {
    let text = """
      %y.2 = conv(%x0.0, %x1.1) {dilation = [1, 1], padding = [1, 2, 1, 2], spread = [2, 2], stride = [1, 1]} : f32[1,3,8,8]
      """
    let inputs = [
      try TensorData(shape: [1, 5, 4, 4], elements: [Float](repeating: 1, count: 80)),
      try TensorData(shape: [3, 5, 3, 3], elements: [Float](repeating: 1, count: 135)),
    ]
    let program = try NativeProgram.forTests(NativeText.function(text, returning: "%y.2", inputs))
    let products = try program.plan(for: inputs.map(\.shape)).steps.filter { $0.name.hasPrefix("conv") }
    // Of nine taps the four phases have one, two, two and four, each over a quarter of the 64 places.
    let onePhase = 2 * 16 * 3 * 5
    #expect(products.map(\.flops).sorted() == [1, 2, 2, 4].map { $0 * onePhase })
  }
}

private struct SpreadConvolution {
  let inputs: [TensorData]
  let output: [Int]
  private let attributes: String

  init(_ random: inout KernelRandom) {
    let rank = random.pick([1, 2, 2, 3])
    let groups = random.pick([1, 1, 2, 3])
    let (inner, outer, batch) = (random.within(1...9), random.within(1...9), random.within(1...2))
    let spread = (0..<rank).map { _ in random.within(1...3) }
    let kernel = (0..<rank).map { _ in random.within(1...4) }
    let extents = (0..<rank).map { _ in random.within(2...6) }
    let padding = (0..<rank).map { axis in [random.within(-1...kernel[axis]), random.within(0...kernel[axis])] }
    output =
      [batch, outer * groups]
      + (0..<rank).map { axis in
        (extents[axis] - 1) * spread[axis] + 1 + padding[axis].reduce(0, +) - kernel[axis] + 1
      }
    let shapes = [[batch, inner * groups] + extents, [outer * groups, inner] + kernel]
    inputs = shapes.compactMap { try? TensorData(shape: $0, elements: random.floats($0.reduce(1, *))) }
    let ones = Array(repeating: 1, count: rank)
    attributes =
      "{dilation = \(ones), groups = \(groups), padding = \(padding.flatMap { $0 }), spread = \(spread), stride = \(ones)}"
  }

  func text(isDouble: Bool) -> String {
    let shape = output.map(String.init).joined(separator: ",")
    return "%y.2 = conv(%x0.0, %x1.1) \(attributes) : \(isDouble ? "f64" : "f32")[\(shape)]"
  }

  func run(isDouble: Bool) throws -> TensorData {
    let inputs = isDouble ? try inputs.map { try $0.converted(to: .float64) } : inputs
    return try NativeText.run(text(isDouble: isDouble), returning: "%y.2", inputs)[0]
  }
}
