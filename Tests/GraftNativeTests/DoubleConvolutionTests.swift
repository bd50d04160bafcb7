import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

/// Convolutions of float64 by products of windows, of integers, beside those of int64, which are computed element by element.
@Suite struct DoubleConvolutionTests {
  @Test func randomConvolutions() throws {
    for seed in 0..<60 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = IntegerConvolution(&random)
      let found = try problem.run(.float64)
      #expect(found.shape == problem.output)
      let exact = try problem.run(.int64).doubles()
      let wrong = zip(found.doubles(), exact).count { $0 != $1 }
      #expect(wrong == 0, "seed \(seed): \(wrong) of \(exact.count) in \(problem.text(.float64))")
    }
  }

  @Test func manyTapsTakeSeveralPasses() throws {
    func text(_ type: String) -> String {
      let attributes = "{dilation = [1, 1], padding = [1, 1, 1, 1], spread = [1, 1], stride = [1, 1]}"
      return "%y.2 = conv(%x0.0, %x1.1) \(attributes) : \(type)[2,3,3,3]"
    }
    let shapes = [[2, 5, 50, 60], [3, 5, 50, 60]]
    var random = KernelRandom(seed: 1)
    let numbers = shapes.map { shape in (0..<shape.reduce(1, *)).map { _ in Int64(random.within(-99...99)) } }
    let integers = try zip(shapes, numbers).map { try TensorData(shape: $0, elements: $1) }
    let exact = try NativeText.run(text("i64"), returning: "%y.2", integers)
    let doubles = try NativeText.run(text("f64"), returning: "%y.2", integers.map { try $0.converted(to: .float64) })
    #expect(doubles[0].doubles() == exact[0].doubles())
  }

  @Test func theLibraryMultiplies() throws {
    try #require(LAPACK.multiply != nil)
    let text = "%y.2 = conv(%x0.0, %x1.1) {dilation = [1], padding = [0, 0], spread = [1], stride = [1]} : f64[1,3,8]"
    let inputs = [[1, 5, 10], [3, 5, 3]].map { try? TensorData(dtype: .float64, shape: $0) { _ in } }.compactMap(\.self)
    let program = try NativeProgram.forTests(NativeText.function(text, returning: "%y.2", inputs))
    let names = try program.plan(for: inputs.map(\.shape)).steps.map(\.name)
    #expect(names.contains("conv f64 (BLAS)"), "\(names)")
  }
}

private struct IntegerConvolution {
  let output: [Int]
  private let inputs: [TensorData]
  private let shape: [Int]
  private let attributes: String

  init(_ random: inout KernelRandom) {
    let rank = random.pick([1, 2, 2, 3])
    let groups = random.pick([1, 1, 2, 3])
    let (inner, outer, batch) = (random.within(1...20), random.within(1...20), random.within(1...5))
    let kernel = (0..<rank).map { _ in random.within(1...random.pick([1, 3, 5])) }
    let (stride, dilation) = (
      (0..<rank).map { _ in random.within(1...3) }, (0..<rank).map { _ in random.within(1...2) }
    )
    let padding = (0..<rank).map { axis in [random.within(-1...kernel[axis]), random.within(0...kernel[axis])] }
    let reach = (0..<rank).map { (kernel[$0] - 1) * dilation[$0] + 1 }
    let extents = (0..<rank).map { reach[$0] + 1 + random.within(0...random.pick([1, 8, rank == 3 ? 8 : 24])) }
    output =
      [batch, outer * groups]
      + (0..<rank).map { (extents[$0] + padding[$0].reduce(0, +) - reach[$0]) / stride[$0] + 1 }
    shape = [batch, inner * groups] + extents
    // The channels come first, as the way back to a filter has them, so that x is a transposed view.
    let shapes = [[inner * groups, batch] + extents, [outer * groups, inner] + kernel]
    inputs = shapes.compactMap { shape in
      try? TensorData(
        shape: shape, elements: (0..<shape.reduce(1, *)).map { _ in Int64(random.within(-99...99)) })
    }
    attributes =
      "{dilation = \(dilation), groups = \(groups), padding = \(padding.flatMap { $0 }), spread = \(stride.map { _ in 1 }), stride = \(stride)}"
  }

  func text(_ dtype: DType) -> String {
    func type(_ shape: [Int]) -> String { "\(dtype.shortName)[\(shape.map(String.init).joined(separator: ","))]" }
    let order = [1, 0] + Array(2..<shape.count)
    return """
      %x.2 = transpose(%x0.0) {permutation = \(order)} : \(type(shape))
      %y.3 = conv(%x.2, %x1.1) \(attributes) : \(type(output))
      """
  }

  func run(_ dtype: DType) throws -> TensorData {
    try NativeText.run(text(dtype), returning: "%y.3", inputs.map { try $0.converted(to: dtype) })[0]
  }
}
