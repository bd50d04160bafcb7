import Foundation
import NativeKernels

@testable import GraftNative

extension KernelPath {
  /// Those that this processor runs.
  static let available = allCases.filter { $0.missing(from: .current).isEmpty }

  var matmulKernels: GraftMatmulKernels {
    switch self {
    case .avx512: graft_matmul_kernels(GRAFT_AVX512).pointee
    case .avx2: graft_matmul_kernels(GRAFT_AVX2).pointee
    case .baseline: graft_matmul_kernels(GRAFT_BASELINE).pointee
    }
  }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct KernelRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func within(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func chance(_ percent: Int) -> Bool { within(0...99) < percent }

  mutating func pick<T>(_ choices: [T]) -> T { choices[within(0...choices.count - 1)] }

  mutating func floats(_ count: Int, within bound: Float = 1) -> [Float] {
    (0..<count).map { _ in Float.random(in: -bound...bound, using: &self) }
  }

  /// Ascending positions that cut 0 ..< `count` into a few parts, at multiples of `granule`.
  mutating func cuts(_ count: Int, granule: Int = 1) -> [Range<Int>] {
    var positions = Set([0, count])
    for _ in 0..<within(0...3) { positions.insert(min(count, within(0...count) / granule * granule)) }
    let sorted = positions.sorted()
    return zip(sorted, sorted.dropFirst()).map { $0..<$1 }
  }
}

/// A row-major matrix with NaN in the gaps between its rows, so that whoever reads them is found out.
struct PaddedMatrix {
  let rows: Int
  let columns: Int
  let stride: Int
  var data: [Float]

  init(rows: Int, columns: Int, gap: Int, _ random: inout KernelRandom) {
    self.rows = rows
    self.columns = columns
    stride = columns + gap
    data = [Float](repeating: .nan, count: max(1, rows * stride))
    for row in 0..<rows {
      for column in 0..<columns { data[row * stride + column] = Float.random(in: -1...1, using: &random) }
    }
  }

  subscript(row: Int, column: Int) -> Double { Double(data[row * stride + column]) }

  /// Whether the gaps still hold what they were made with.
  var gapsAreUntouched: Bool {
    (0..<rows).allSatisfy { row in (columns..<stride).allSatisfy { data[row * stride + $0].isNaN } }
  }

  var bits: [UInt32] { data.map(\.bitPattern) }
}

/// Half a unit in the last place of 1.
let roundoff = 0x1p-24

/// A value in float64, and how far a float32 result may be from it.
struct Bounded {
  var value: Double
  var error: Double

  /// A sum of `count` products whose magnitudes sum to `magnitude`, rounded in any order.
  init(sum: Double, magnitude: Double, count: Int) {
    value = sum
    error = Double(count + 2) * roundoff * magnitude
  }

  /// One more term, whose addition rounds.
  mutating func add(_ term: Double) {
    value += term
    error += 2 * roundoff * (abs(value) + abs(term))
  }

  func accepts(_ result: Float) -> Bool { abs(Double(result) - value) <= error + 1e-37 }
}

/// An epilogue with the values that it refers to.
struct TestEpilogue {
  var plain = false
  var alpha: Float = 1
  var accumulate = false
  var residualLast = false
  var activation = GRAFT_IDENTITY
  var bias: [Float]?
  var residual: PaddedMatrix?
  var bounds: ClosedRange<Float> = -.infinity ... .infinity

  static let activations = [
    GRAFT_IDENTITY, GRAFT_RELU, GRAFT_RELU6, GRAFT_SIGMOID, GRAFT_SILU, GRAFT_HARDSWISH, GRAFT_TANH, GRAFT_GELU,
    GRAFT_GELU_TANH,
  ]

  static let none = TestEpilogue(plain: true)

  private init(plain: Bool) { self.plain = plain }

  /// Any combination, for an output of these sizes.
  init(rows: Int, columns: Int, _ random: inout KernelRandom) {
    alpha = random.pick([1, 1, 0.5, -1.75])
    accumulate = random.chance(30)
    residualLast = random.chance(50)
    activation = random.pick(Self.activations)
    if random.chance(60) { bias = random.floats(columns) }
    if random.chance(40) { residual = PaddedMatrix(rows: rows, columns: columns, gap: random.within(0...3), &random) }
    if random.chance(20) { bounds = -0.25...0.5 }
  }

  func withKernelEpilogue<R>(_ body: (GraftEpilogue) -> R) -> R {
    (bias ?? []).withUnsafeBufferPointer { biasBuffer in
      (residual?.data ?? []).withUnsafeBufferPointer { residualBuffer in
        body(
          GraftEpilogue(
            alpha: alpha, accumulate: accumulate, residual_last: residualLast, activation: activation,
            bias: bias == nil ? nil : biasBuffer.baseAddress,
            residual: residual == nil ? nil : residualBuffer.baseAddress, residual_row: residual?.stride ?? 0,
            low: bounds.lowerBound, high: bounds.upperBound))
      }
    }
  }

  /// What becomes of a product; `before` is what the output held.
  func apply(_ product: Bounded, before: Double, row: Int, column: Int) -> Bounded {
    var result = product
    result.value *= Double(alpha)
    result.error = result.error * abs(Double(alpha)) + roundoff * abs(result.value)
    if accumulate { result.add(before) }
    if let bias { result.add(Double(bias[column])) }
    if let residual, !residualLast { result.add(residual[row, column]) }
    let argument = result.value
    result.value = Self.value(of: activation, at: argument)
    // No activation is steeper than 1.5; sigmoids of a rounded argument add a term in the argument's size.
    result.error = result.error * 1.5 + roundoff * (8 * abs(result.value) + 2 * abs(argument))
    if let residual, residualLast { result.add(residual[row, column]) }
    result.value = min(max(result.value, Double(bounds.lowerBound)), Double(bounds.upperBound))
    return result
  }

  static func value(of activation: GraftActivation, at x: Double) -> Double {
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    switch activation {
    case GRAFT_RELU: return max(x, 0)
    case GRAFT_RELU6: return min(max(x, 0), 6)
    case GRAFT_SIGMOID: return sigmoid(x)
    case GRAFT_SILU: return x * sigmoid(x)
    case GRAFT_HARDSWISH: return x * min(max(x + 3, 0), 6) / 6
    case GRAFT_TANH: return tanh(x)
    case GRAFT_GELU: return x * erfc(-x / 2.0.squareRoot()) / 2
    case GRAFT_GELU_TANH: return x * sigmoid(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
    default: return x
    }
  }
}

/// Room for the scratch of a kernel.
func scratch(bytes: Int) -> UnsafeMutableRawPointer {
  UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 64)
}

/// Every block that the cuts of rows and of panels make.
func blocks(_ rows: [Range<Int>], _ panels: [Range<Int>]) -> [GraftOutputBlock] {
  rows.flatMap { row in
    panels.map { panel in
      GraftOutputBlock(
        row_begin: row.lowerBound, row_end: row.upperBound, panel_begin: panel.lowerBound, panel_end: panel.upperBound)
    }
  }
}
