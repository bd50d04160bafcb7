import Foundation
import NativeKernels
import Testing

@testable import GraftNative

@Suite struct MatmulKernelTests {
  @Test(.enabled(if: KernelPath.available.contains(.avx512), "this processor lacks AVX-512"))
  func theKernelsOfAVX512AreTested() { #expect(KernelPath.avx512.matmulKernels.panel_width == 32) }

  @Test(.enabled(if: KernelPath.available.contains(.avx2), "this processor lacks AVX2"))
  func theKernelsOfAVX2AreTested() { #expect(KernelPath.avx2.matmulKernels.panel_width == 16) }

  @Test(arguments: KernelPath.available)
  func productsOfRandomShapesAndStrides(path: KernelPath) {
    for seed in 0..<60 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = MatmulProblem(&random)
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  /// Each number of rows has a tile of its own, and a panel one or two vectors.
  @Test(arguments: KernelPath.available)
  func everyTile(path: KernelPath) {
    let kernels = path.matmulKernels
    var random = KernelRandom(seed: 1)
    for rows in 1...2 * kernels.tile_rows + 1 {
      for columns in [1, kernels.panel_width / 2, kernels.panel_width, kernels.panel_width + 1] {
        let problem = MatmulProblem(m: rows, k: 19, n: columns, epilogue: .none, &random)
        problem.check(kernels, "\(path), \(rows) x 19 x \(columns)", &random)
      }
    }
  }

  /// Products whose depth is cut into blocks, and rows that share cache sets.
  @Test(arguments: KernelPath.available)
  func deepProducts(path: KernelPath) {
    for (index, k) in [511, 512, 513, 1024, 1029, 2048].enumerated() {
      var random = KernelRandom(seed: UInt64(index))
      let epilogue = TestEpilogue(rows: 7, columns: 37, &random)
      let problem = MatmulProblem(m: 7, k: k, n: 37, epilogue: epilogue, &random)
      problem.check(path.matmulKernels, "\(path), k = \(k)", &random)
    }
  }

  /// Over a product of depth 0 the activation is all that happens.
  @Test(arguments: KernelPath.available)
  func activationsAreAccurate(path: KernelPath) {
    let arguments = stride(from: -104, through: 104, by: 0.0137).map { Float($0) } + [0, 1e-6, -1e-6, 1e-20]
    for activation in TestEpilogue.activations {
      var wrong: [String] = []
      for (x, y) in zip(arguments, activate(path, activation, arguments)) {
        let expected = TestEpilogue.value(of: activation, at: Double(x))
        let error = abs(Double(y) - expected)
        if error > allowedError(activation, at: Double(x), of: expected) { wrong.append("\(x): \(y), not \(expected)") }
      }
      #expect(wrong.isEmpty, "\(path), \(activation), \(wrong.count) times, at \(wrong.first ?? "")")
    }
  }

  /// A few units in the last place; those of results below the normal numbers count as one.
  private func allowedError(_ activation: GraftActivation, at x: Double, of result: Double) -> Double {
    let ulp = Double(Float(abs(result)).ulp)
    switch activation {
    case GRAFT_IDENTITY, GRAFT_RELU, GRAFT_RELU6: return 0
    case GRAFT_TANH, GRAFT_HARDSWISH: return 2 * ulp
    // The distribution function is as accurate as erf: to a unit in the last place of 1/2.
    case GRAFT_GELU: return 3 * ulp + 0.5 * roundoff * abs(x)
    // Three roundings of the sigmoid's argument are magnified by its size.
    case GRAFT_GELU_TANH: return (3 + 3 * 1.6 * abs(x + 0.044715 * x * x * x)) * ulp + 1e-37
    default: return 4 * ulp + 1e-37
    }
  }

  @Test(arguments: KernelPath.available)
  func activationsOfNaNAndInfinities(path: KernelPath) {
    for activation in TestEpilogue.activations {
      let values = activate(path, activation, [.nan, .infinity, -.infinity])
      #expect(values[0].isNaN, "\(path), \(activation)")
      let bounds: [(GraftActivation, Float)] = [(GRAFT_RELU6, 6), (GRAFT_SIGMOID, 1), (GRAFT_TANH, 1)]
      let limit = bounds.first { $0.0 == activation }?.1 ?? .infinity
      #expect(values[1] == limit, "\(path), \(activation)")
    }
    #expect(activate(path, GRAFT_SIGMOID, [-.infinity]) == [0])
    #expect(activate(path, GRAFT_TANH, [-.infinity, -.zero]) == [-1, 0])
    #expect(activate(path, GRAFT_RELU, [-.infinity]) == [0])
  }

  private func activate(_ path: KernelPath, _ activation: GraftActivation, _ arguments: [Float]) -> [Float] {
    let kernels = path.matmulKernels
    let count = arguments.count
    var result = [Float](repeating: 0, count: count)
    let memory = scratch(bytes: kernels.matmul_scratch_bytes())
    defer { memory.deallocate() }
    var shape = GraftMatmul(k: 0, n: count, a_row: 0, a_column: 1, c_row: count)
    let panels = (count + kernels.panel_width - 1) / kernels.panel_width
    arguments.withUnsafeBufferPointer { residual in
      var epilogue = GraftEpilogue(
        alpha: 1, accumulate: false, residual_last: false, activation: activation, bias: nil,
        residual: residual.baseAddress, residual_row: count, low: -.infinity, high: .infinity)
      kernels.matmul(
        &shape, arguments, arguments, &result,
        GraftOutputBlock(row_begin: 0, row_end: 1, panel_begin: 0, panel_end: panels), &epilogue, memory)
    }
    return result
  }
}

/// A product, its operands in memory in any order.
struct MatmulProblem {
  let m: Int
  let k: Int
  let n: Int
  let a: PaddedMatrix
  let b: PaddedMatrix
  let c: PaddedMatrix
  let isATransposed: Bool
  let isBTransposed: Bool
  let epilogue: TestEpilogue

  init(m: Int, k: Int, n: Int, epilogue: TestEpilogue, _ random: inout KernelRandom) {
    self.m = m
    self.k = k
    self.n = n
    self.epilogue = epilogue
    isATransposed = random.chance(30)
    isBTransposed = random.chance(50)
    let gaps = (0..<3).map { _ in random.chance(50) ? 0 : random.within(1...9) }
    a = PaddedMatrix(rows: isATransposed ? k : m, columns: isATransposed ? m : k, gap: gaps[0], &random)
    b = PaddedMatrix(rows: isBTransposed ? n : k, columns: isBTransposed ? k : n, gap: gaps[1], &random)
    c = PaddedMatrix(rows: m, columns: n, gap: gaps[2], &random)
  }

  init(_ random: inout KernelRandom) {
    let m = random.pick([1, 2, random.within(1...40), random.within(1...40)])
    let n = random.within(1...110)
    let k = random.pick([0, 1, random.within(1...70), random.within(1...70), random.within(500...1100)])
    let epilogue = random.chance(25) ? .none : TestEpilogue(rows: m, columns: n, &random)
    self.init(m: m, k: k, n: n, epilogue: epilogue, &random)
  }

  private func left(_ row: Int, _ depth: Int) -> Double { isATransposed ? a[depth, row] : a[row, depth] }
  private func right(_ depth: Int, _ column: Int) -> Double { isBTransposed ? b[column, depth] : b[depth, column] }

  /// The strides of b from row to row and from column to column.
  private var rightStrides: (Int, Int) { isBTransposed ? (1, b.stride) : (b.stride, 1) }

  /// Runs it whole, in pieces, and with b not packed; compares the first with float64, the others with the first.
  func check(_ kernels: GraftMatmulKernels, _ label: String, _ random: inout KernelRandom) {
    let panels = (n + kernels.panel_width - 1) / kernels.panel_width
    let whole = [GraftOutputBlock(row_begin: 0, row_end: m, panel_begin: 0, panel_end: panels)]
    let result = run(kernels, whole, isPacked: true)
    var wrong = 0
    for row in 0..<m {
      for column in 0..<n {
        let sum = (0..<k).reduce(0.0) { $0 + left(row, $1) * right($1, column) }
        let magnitude = (0..<k).reduce(0.0) { $0 + abs(left(row, $1) * right($1, column)) }
        let product = Bounded(sum: sum, magnitude: magnitude, count: k)
        let expected = epilogue.apply(product, before: c[row, column], row: row, column: column)
        if !expected.accepts(result.data[row * c.stride + column]) { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(label): \(wrong) of \(m) x \(n) elements, k = \(k), \(epilogue.activation)")
    #expect(result.gapsAreUntouched, "\(label)")
    let pieces = blocks(random.cuts(m), random.cuts(panels))
    #expect(run(kernels, pieces, isPacked: true).bits == result.bits, "\(label): cut into \(pieces.count)")
    #expect(run(kernels, pieces, isPacked: false).bits == result.bits, "\(label): not packed")
  }

  private func run(_ kernels: GraftMatmulKernels, _ blocks: [GraftOutputBlock], isPacked: Bool) -> PaddedMatrix {
    var result = c
    var shape = GraftMatmul(
      k: k, n: n, a_row: isATransposed ? 1 : a.stride, a_column: isATransposed ? a.stride : 1, c_row: c.stride)
    let (row, column) = rightStrides
    var packed = [Float](repeating: .nan, count: max(1, kernels.packed_count(k, n)))
    kernels.pack_b(b.data, row, column, k, n, 0, (n + kernels.panel_width - 1) / kernels.panel_width, &packed)
    let memory = scratch(bytes: kernels.matmul_scratch_bytes())
    defer { memory.deallocate() }
    epilogue.withKernelEpilogue { epilogue in
      var epilogue = epilogue
      for block in blocks {
        if isPacked {
          kernels.matmul(&shape, a.data, packed, &result.data, block, &epilogue, memory)
        } else {
          kernels.matmul_unpacked(&shape, a.data, b.data, row, column, &result.data, block, &epilogue, memory)
        }
      }
    }
    return result
  }
}
