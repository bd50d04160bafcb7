import GraftFiles
import GraftIR
import GraftNative
import GraftOps
import Testing

@testable import Graft

/// Programs that change variables.
@Suite struct VariableTests {
  private static let shape = [37, 5]

  private func tensor(_ seed: UInt64) throws -> Tensor { try Tensor(random: Self.shape, dtype: .float64, seed: seed) }

  /// Runs a program of the variables a, b and c and an input x three times; `body` gives the first result and the updates.
  private func run(
    checks: Bool = false,
    _ body: ([String: GraphTensor]) throws -> (result: GraphTensor, updates: [(String, GraphTensor)])
  ) throws -> (store: VariableStore, results: [Tensor]) {
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let type = TensorType(.float64, Self.shape.map { Dim($0) })
    var tensors = ["x": builder.addInput("x", type)]
    var start: [String: TensorData] = [:]
    for (index, name) in ["a", "b", "c"].enumerated() {
      tensors[name] = builder.addState(name, type)
      start[name] = try tensor(UInt64(index)).data
    }
    let (result, updates) = try body(tensors)
    var function = builder.finished([(name: "result", tensor: result)])
    function.stateUpdates = updates.map { StateUpdate(path: $0, value: $1.operand) }
    let store = VariableStore(start)
    let program = try NativeProgram(
      function, kernels: .ofThisProcess(), pool: ThreadPool(width: 2), isTraining: true, variables: store,
      checksFirstResult: checks
    ) { _ in nil }
    let results = try (0..<3).map { Tensor(try program.run([tensor(UInt64(10 + $0)).data])[0]) }
    return (store, results)
  }

  private func numbers(_ store: VariableStore, _ path: String) throws -> [Double] {
    try #require(try store.tensor(path)).doubles()
  }

  /// The updates read each other's old values, in all the orders in which memory may be written too early.
  @Test func readsOldValuesBeforeTheyChange() throws {
    let (store, results) = try run { t in
      let (a, b, c, x) = (try t.slot("a"), try t.slot("b"), try t.slot("c"), try t.slot("x"))
      let mean = try a * 0.5 + x
      // a and b change places; c follows from the new a and from the old b, turned round.
      let turned = try b.op("flip", attributes: ["axes": [0]])
      return (try (a * b).sum(), [("a", b), ("b", mean), ("c", try c + mean * turned)])
    }
    var (a, b, c) = (try tensor(0).data.doubles(), try tensor(1).data.doubles(), try tensor(2).data.doubles())
    for round in 0..<3 {
      let x = try tensor(UInt64(10 + round)).data.doubles()
      let result = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(try results[round].scalar(as: Double.self) - result) < 1e-10)
      let mean = zip(a, x).map { $0 * 0.5 + $1 }
      let turned = (0..<37).reversed().flatMap { row in b[5 * row..<5 * row + 5] }
      c = c.indices.map { c[$0] + mean[$0] * turned[$0] }
      (a, b) = (b, mean)
    }
    for (path, expected) in [("a", a), ("b", b), ("c", c)] {
      #expect(relativeError(try numbers(store, path), expected) < 1e-14, "\(path)")
    }
  }

  @Test func endsBeforeVariablesChangeWhenTheResultIsNotFinite() throws {
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let type = TensorType(.float32, [4])
    let (x, a) = (builder.addInput("x", type), builder.addState("a", type))
    let (loss, updated) = (try (x * a).log().sum(), try a + x)
    var function = builder.finished([(name: "loss", tensor: loss)])
    function.stateUpdates = [StateUpdate(path: "a", value: updated.operand)]
    let store = VariableStore(["a": try TensorData(shape: [4], elements: [1, 2, 3, 4] as [Float])])
    let program = try NativeProgram(
      function, kernels: .ofThisProcess(), isTraining: true, variables: store, checksFirstResult: true
    ) { _ in nil }
    #expect(throws: NonFiniteResult.self) {
      try program.run([TensorData(shape: [4], elements: [1, 1, -1, 1] as [Float])])
    }
    #expect(try numbers(store, "a") == [1, 2, 3, 4])
    _ = try program.run([TensorData(shape: [4], elements: [1, 1, 1, 1] as [Float])])
    #expect(try numbers(store, "a") == [2, 3, 4, 5])
  }

  @Test func computesElementwiseUpdatesInPlace() throws {
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let type = TensorType(.float32, [64])
    let (x, a, b) = (builder.addInput("x", type), builder.addState("a", type), builder.addState("b", type))
    let mean = try a * 0.9 + x
    let updates = [("a", mean), ("b", try b - mean * 0.1)]
    let loss = try (x * b).sum()
    var function = builder.finished([(name: "loss", tensor: loss)])
    function.stateUpdates = updates.map { StateUpdate(path: $0, value: $1.operand) }
    let zeros = try TensorData(shape: [64], elements: [Float](repeating: 0, count: 64))
    let program = try NativeProgram(
      function, kernels: .ofThisProcess(), isTraining: true, variables: VariableStore(["a": zeros, "b": zeros])
    ) { _ in nil }
    let plan = try program.plan(for: [[64]])
    // The product with both updates in one pass, its sum, and the sum's copy to the caller.
    #expect(plan.steps.count == 3, "\(plan.steps.map(\.name))")
    #expect(plan.arenaBytes <= 512)
  }
}
