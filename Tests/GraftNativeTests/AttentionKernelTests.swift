import Foundation
import NativeKernels
import Testing

@testable import GraftNative

@Suite struct AttentionKernelTests {
  @Test(arguments: KernelPath.available)
  func attentionOfRandomShapes(path: KernelPath) {
    for seed in 0..<60 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = AttentionProblem(&random)
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  /// Scores so far apart that only a running maximum keeps their exponentials in range, the highest in any block.
  @Test(arguments: KernelPath.available)
  func largeScoresDoNotOverflow(path: KernelPath) {
    for seed in 0..<6 {
      var random = KernelRandom(seed: UInt64(seed))
      var problem = AttentionProblem(queries: 5, keys: 700, width: 8, valueWidth: 9, &random)
      problem.shape.scale = 60
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  @Test(arguments: KernelPath.available)
  func queriesThatSeeNothingYieldZeros(path: KernelPath) {
    var random = KernelRandom(seed: 3)
    var problem = AttentionProblem(queries: 9, keys: 40, width: 16, valueWidth: 20, &random)
    problem.shape.causal = true
    problem.shape.diagonal = -4
    for isDirect in [false, true] {
      let result = problem.run(path.matmulKernels, [0..<9], isDirect: isDirect)
      for query in 0..<4 {
        let row = result.data[query * result.stride..<query * result.stride + result.columns]
        #expect(row.allSatisfy { $0 == 0 }, "\(path), query \(query)")
      }
      #expect(result.data[4 * result.stride] != 0)
    }
  }
}

/// One head, its operands with gaps between their rows.
struct AttentionProblem {
  var shape: GraftAttention
  var q: PaddedMatrix
  let k: PaddedMatrix
  let v: PaddedMatrix
  let out: PaddedMatrix
  /// Terms of the scores, and the bytes of a boolean mask; broadcast along either axis.
  var floatMask: [Float] = []
  var booleanMask: [UInt8] = []

  init(queries: Int, keys: Int, width: Int, valueWidth: Int, _ random: inout KernelRandom) {
    let gaps = (0..<4).map { _ in random.chance(50) ? 0 : random.within(1...9) }
    q = PaddedMatrix(rows: queries, columns: width, gap: gaps[0], &random)
    k = PaddedMatrix(rows: keys, columns: width, gap: gaps[1], &random)
    v = PaddedMatrix(rows: keys, columns: valueWidth, gap: gaps[2], &random)
    out = PaddedMatrix(rows: queries, columns: valueWidth, gap: gaps[3], &random)
    shape = GraftAttention(
      queries: queries, keys: keys, width: width, value_width: valueWidth, scale: 1 / Float(width).squareRoot(),
      causal: false, diagonal: 0, q_row: q.stride, k_row: k.stride, v_row: v.stride, out_row: out.stride,
      mask: GRAFT_MASK_NONE, mask_row: 0, mask_column: 0)
  }

  init(_ random: inout KernelRandom) {
    let queries = random.pick([1, random.within(1...40), random.within(1...130)])
    let keys = random.pick([1, random.within(1...100), random.within(1...100), random.within(250...600)])
    self.init(
      queries: queries, keys: keys, width: random.within(1...70), valueWidth: random.within(1...70), &random)
    shape.causal = random.chance(30)
    shape.diagonal = random.within(-3...max(0, keys - queries))
    shape.mask = random.pick([GRAFT_MASK_NONE, GRAFT_MASK_BOOLEAN, GRAFT_MASK_FLOAT])
    let (rows, columns) = (random.chance(70) ? queries : 1, random.chance(80) ? keys : 1)
    let step = random.pick([1, 1, 2])
    shape.mask_row = rows == 1 ? 0 : columns * step
    shape.mask_column = columns == 1 ? 0 : step
    floatMask = random.floats(rows * columns * step, within: 2).map { random.chance(15) ? -.infinity : $0 }
    booleanMask = (0..<rows * columns * step).map { _ in random.chance(70) ? UInt8(random.within(1...255)) : 0 }
  }

  /// The same for other queries.
  func replacing(query: PaddedMatrix) -> AttentionProblem {
    var copy = self
    copy.q = query
    return copy
  }

  /// What is added to a score, -inf where the key is not seen.
  private func bias(_ query: Int, _ key: Int) -> Double {
    if shape.causal && key > query + shape.diagonal { return -.infinity }
    let index = query * shape.mask_row + key * shape.mask_column
    switch shape.mask {
    case GRAFT_MASK_BOOLEAN: return booleanMask[index] != 0 ? 0 : -.infinity
    case GRAFT_MASK_FLOAT: return Double(floatMask[index])
    default: return 0
    }
  }

  /// Runs it packed and in place, whole and in pieces; compares with float64, and the pieces with the whole.
  func check(_ kernels: GraftMatmulKernels, _ label: String, _ random: inout KernelRandom) {
    let whole = run(kernels, [0..<out.rows], isDirect: false)
    let direct = run(kernels, [0..<out.rows], isDirect: true)
    var wrong = (whole: 0, direct: 0)
    for query in 0..<out.rows {
      for (column, expected) in reference(query).enumerated() {
        if !expected.accepts(whole.data[query * out.stride + column]) { wrong.whole += 1 }
        if !expected.accepts(direct.data[query * out.stride + column]) { wrong.direct += 1 }
      }
    }
    let count = out.rows * out.columns
    #expect(wrong.whole == 0, "\(label): \(wrong.whole) of \(count), \(shape)")
    #expect(wrong.direct == 0, "\(label): in place, \(wrong.direct) of \(count), \(shape)")
    #expect(whole.gapsAreUntouched && direct.gapsAreUntouched, "\(label)")
    let pieces = random.cuts(out.rows, granule: kernels.tile_rows)
    #expect(run(kernels, pieces, isDirect: false).bits == whole.bits, "\(label): cut into \(pieces)")
    let rows = random.cuts(out.rows)
    #expect(run(kernels, rows, isDirect: true).bits == direct.bits, "\(label): in place, cut into \(rows)")
  }

  func run(_ kernels: GraftMatmulKernels, _ ranges: [Range<Int>], isDirect: Bool) -> PaddedMatrix {
    var (shape, result) = (shape, out)
    var packed = [Float](repeating: .nan, count: kernels.attention_packed_count(&shape))
    let memory = scratch(bytes: kernels.attention_scratch_bytes(&shape))
    defer { memory.deallocate() }
    let half = shape.keys / 2 / kernels.panel_width * kernels.panel_width
    kernels.attention_pack(&shape, k.data, v.data, half, shape.keys, &packed)
    kernels.attention_pack(&shape, k.data, v.data, 0, half, &packed)
    withMask { mask in
      for range in ranges {
        if isDirect {
          kernels.attention_direct(
            &shape, q.data, k.data, v.data, mask, &result.data, range.lowerBound, range.upperBound, memory)
        } else {
          kernels.attention(&shape, q.data, packed, mask, &result.data, range.lowerBound, range.upperBound, memory)
        }
      }
    }
    return result
  }

  /// Runs `body` with the mask's memory.
  func withMask(_ body: (UnsafeRawPointer?) -> Void) {
    floatMask.withUnsafeBytes { floats in
      booleanMask.withUnsafeBytes { booleans in
        body(shape.mask == GRAFT_MASK_FLOAT ? floats.baseAddress : booleans.baseAddress)
      }
    }
  }

  /// A query's weights, zeros where it sees nothing, and their relative error: that of the scores that they are exponentials
  /// of, and of sums over the keys of numbers of one sign.
  func weights(_ query: Int) -> (values: [Double], relativeError: Double) {
    var scores: [Double] = []
    var scoreError = 0.0
    for key in 0..<shape.keys {
      let terms = (0..<shape.width).map { q[query, $0] * k[key, $0] * Double(shape.scale) }
      let term = bias(query, key)
      scores.append(terms.reduce(0, +) + term)
      guard term > -.infinity else { continue }
      let magnitude = terms.reduce(0) { $0 + abs($1) } + abs(term)
      scoreError = max(scoreError, Double(shape.width + 5) * roundoff * magnitude)
    }
    let highest = scores.max() ?? -.infinity
    guard highest > -.infinity else { return (scores.map { _ in 0 }, 0) }
    let weights = scores.map { exp($0 - highest) }
    let total = weights.reduce(0, +)
    // Two subtractions of the maximum round in the scores' size; exponentials and factors are good to 2 ulp.
    let spread = scores.filter { $0 > -.infinity }.reduce(0) { max($0, abs($1)) }
    let relative = 2 * (scoreError + 4 * roundoff * spread) + Double(2 * shape.keys + 40) * roundoff
    return (weights.map { $0 / total }, relative)
  }

  private func reference(_ query: Int) -> [Bounded] {
    let weights = weights(query)
    return (0..<shape.value_width).map { column in
      var result = Bounded(sum: 0, magnitude: 0, count: 0)
      var magnitude = 0.0
      for key in 0..<shape.keys where weights.values[key] > 0 {
        result.value += weights.values[key] * v[key, column]
        magnitude += weights.values[key] * abs(v[key, column])
      }
      result.error = weights.relativeError * magnitude
      return result
    }
  }
}
