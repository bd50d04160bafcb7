import NativeKernels
import Testing

@testable import GraftNative

@Suite struct AttentionGradientKernelTests {
  @Test(arguments: KernelPath.available)
  func gradientsOfRandomShapes(path: KernelPath) {
    for seed in 0..<60 {
      var random = KernelRandom(seed: UInt64(seed))
      AttentionGradientProblem(AttentionProblem(&random), heads: random.pick([1, 1, 2, 3]), &random)
        .check(path.matmulKernels, "\(path), seed \(seed)")
    }
  }

  /// Blocks of queries that are cut by the size of the cache, and sums over more keys than a product has in registers.
  @Test(arguments: KernelPath.available)
  func gradientsOfManyKeys(path: KernelPath) {
    for seed in 0..<3 {
      var random = KernelRandom(seed: UInt64(seed))
      var problem = AttentionProblem(queries: 130, keys: 1_400, width: 12, valueWidth: 9, &random)
      problem.shape.causal = seed == 1
      problem.shape.diagonal = 900
      AttentionGradientProblem(problem, heads: 1, &random).check(path.matmulKernels, "\(path), seed \(seed)")
    }
  }

  @Test(arguments: KernelPath.available)
  func queriesThatSeeNothingHaveNoGradient(path: KernelPath) {
    var random = KernelRandom(seed: 3)
    var problem = AttentionProblem(queries: 9, keys: 40, width: 16, valueWidth: 20, &random)
    problem.shape.causal = true
    problem.shape.diagonal = -4
    let result = AttentionGradientProblem(problem, heads: 1, &random).run(path.matmulKernels)
    let query = result.queries[0]
    #expect((0..<4).allSatisfy { row in (0..<16).allSatisfy { query[row, $0] == 0 } }, "\(path)")
    #expect((0..<16).contains { query[8, $0] != 0 })
    #expect((5..<40).allSatisfy { row in (0..<20).allSatisfy { result.value[row, $0] == 0 } }, "\(path)")
  }
}

/// The way back through some heads of queries that share keys and values.
private struct AttentionGradientProblem {
  /// One for each head; their keys and values are those of the first.
  let heads: [AttentionProblem]
  let cotangents: [PaddedMatrix]

  struct Gradients {
    var queries: [PaddedMatrix]
    var key: PaddedMatrix
    var value: PaddedMatrix
  }

  init(_ problem: AttentionProblem, heads count: Int, _ random: inout KernelRandom) {
    let queries = (1..<max(count, 1)).map { _ in Self.alike(problem.q, &random) }
    heads = [problem] + queries.map { problem.replacing(query: $0) }
    cotangents = heads.map { _ in Self.alike(problem.out, &random) }
  }

  private static func alike(_ matrix: PaddedMatrix, _ random: inout KernelRandom) -> PaddedMatrix {
    PaddedMatrix(rows: matrix.rows, columns: matrix.columns, gap: matrix.stride - matrix.columns, &random)
  }

  func run(_ kernels: GraftMatmulKernels) -> Gradients {
    let first = heads[0]
    var result = Gradients(queries: heads.map(\.q), key: first.k, value: first.v)
    var shape = GraftAttentionGradient(
      forward: first.shape, cotangent_row: first.out.stride, dquery_row: first.q.stride, dkey_row: first.k.stride,
      dvalue_row: first.v.stride)
    let memory = scratch(bytes: kernels.attention_gradient_scratch_bytes(&shape.forward))
    defer { memory.deallocate() }
    kernels.attention_gradient_start(&shape.forward, first.k.data, first.v.data, memory)
    for (head, problem) in heads.enumerated() {
      problem.withMask { mask in
        kernels.attention_gradient(
          &shape, problem.q.data, cotangents[head].data, mask, &result.queries[head].data, memory)
      }
    }
    kernels.attention_gradient_end(&shape, &result.key.data, &result.value.data, memory)
    return result
  }

  func check(_ kernels: GraftMatmulKernels, _ label: String) {
    let (result, exact) = (run(kernels), reference())
    func expect(_ matrix: PaddedMatrix, _ bounds: [[Bounded]], _ name: String) {
      let wrong = bounds.indices.reduce(0) { count, row in
        count + bounds[row].indices.count { !bounds[row][$0].accepts(matrix.data[row * matrix.stride + $0]) }
      }
      #expect(wrong == 0, "\(label): \(wrong) of \(name), \(heads[0].shape), \(heads.count) heads")
      #expect(matrix.gapsAreUntouched, "\(label): \(name)")
    }
    for head in heads.indices { expect(result.queries[head], exact.queries[head], "the queries of head \(head)") }
    expect(result.key, exact.key, "keys")
    expect(result.value, exact.value, "values")
    #expect(run(kernels).key.bits == result.key.bits, "\(label): a second run")
  }

  private typealias Exact = (queries: [[[Bounded]]], key: [[Bounded]], value: [[Bounded]])

  /// Sums in float64 with the sums of their terms' magnitudes, which bound what rounding does.
  private func reference() -> Exact {
    let shape = heads[0].shape
    var (key, value) = (Sums(shape.keys, shape.width), Sums(shape.keys, shape.value_width))
    var queries: [Sums] = []
    var relative = 0.0
    for (head, problem) in heads.enumerated() {
      var query = Sums(shape.queries, shape.width)
      for t in 0..<shape.queries {
        let weights = problem.weights(t)
        relative = max(relative, weights.relativeError)
        let slopes = slopes(problem, cotangents[head], t, weights.values)
        for s in 0..<shape.keys where weights.values[s] > 0 {
          for i in 0..<shape.width {
            let scale = Double(shape.scale)
            query.add(
              slopes.value[s] * problem.k[s, i] * scale, slopes.magnitude[s] * abs(problem.k[s, i]) * scale, t, i)
            key.add(slopes.value[s] * problem.q[t, i] * scale, slopes.magnitude[s] * abs(problem.q[t, i]) * scale, s, i)
          }
          for e in 0..<shape.value_width {
            let term = weights.values[s] * cotangents[head][t, e]
            value.add(term, abs(term), s, e)
          }
        }
      }
      queries.append(query)
    }
    let terms = shape.queries * heads.count + 2 * shape.keys + shape.width + 2 * shape.value_width + 20
    let error = 3 * relative + Double(terms) * roundoff
    return (queries.map { $0.bounded(error) }, key.bounded(error), value.bounded(error))
  }

  /// The gradients of a query's scores.
  private func slopes(
    _ problem: AttentionProblem, _ cotangent: PaddedMatrix, _ t: Int, _ weights: [Double]
  ) -> (value: [Double], magnitude: [Double]) {
    let terms = weights.indices.map { s in
      (0..<problem.shape.value_width).map { cotangent[t, $0] * problem.v[s, $0] }
    }
    let (values, magnitudes) = (terms.map { $0.reduce(0, +) }, terms.map { $0.reduce(0) { $0 + abs($1) } })
    let share = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 }
    let shareMagnitude = zip(weights, magnitudes).reduce(0) { $0 + $1.0 * $1.1 }
    return (
      weights.indices.map { weights[$0] * (values[$0] - share) },
      weights.indices.map { weights[$0] * (magnitudes[$0] + shareMagnitude) }
    )
  }
}

/// A matrix of sums, beside the sums of their terms' magnitudes.
private struct Sums {
  var value: [[Double]]
  var magnitude: [[Double]]

  init(_ rows: Int, _ columns: Int) {
    value = Array(repeating: Array(repeating: 0, count: columns), count: rows)
    magnitude = value
  }

  mutating func add(_ term: Double, _ size: Double, _ row: Int, _ column: Int) {
    value[row][column] += term
    magnitude[row][column] += size
  }

  func bounded(_ relative: Double) -> [[Bounded]] {
    zip(value, magnitude).map { values, magnitudes in
      zip(values, magnitudes).map { value, magnitude in
        var result = Bounded(sum: value, magnitude: 0, count: 0)
        result.error = relative * magnitude
        return result
      }
    }
  }
}
