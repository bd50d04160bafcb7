import GraftFiles
import GraftIR
import GraftOps
import Testing

@testable import GraftNative

/// Elementwise work over operands that lie in memory in other ways than the result, and reductions of them.
@Suite struct ElementwiseTests {
  private static let extents = [1, 2, 3, 5, 7, 16, 33, 130]

  /// A random shape of fewer than 100,000 elements.
  private func shape(_ random: inout SeededBits) -> [Int] {
    while true {
      let shape = (0..<Int.random(in: 1...4, using: &random)).map { _ in Self.extents.randomElement(using: &random) ?? 1
      }
      if shape.reduce(1, *) < 100_000 { return shape }
    }
  }

  private func numbers(_ count: Int, _ random: inout SeededBits) -> [Float] {
    (0..<count).map { _ in Float(Int.random(in: -8...8, using: &random)) / 4 }
  }

  private func run(_ function: GraftIR.Function, _ inputs: [TensorData]) throws -> [Float] {
    let program = try NativeProgram(
      function, kernels: NativeKernelSet(KernelPath.choose(environment: [:])), pool: ThreadPool(width: 2)
    ) { _ in nil }
    return try program.run(inputs)[0].withElements(of: Float.self) { Array($0) }
  }

  private func position(_ element: Int, in shape: [Int]) -> [Int] {
    var rest = element
    return shape.reversed().map { extent in
      defer { rest /= extent }
      return rest % extent
    }.reversed()
  }

  private func element(_ position: [Int], in shape: [Int]) -> Int {
    zip(position, shape).reduce(0) { $0 * $1.1 + min($1.0, $1.1 - 1) }
  }

  /// `a * b + a` for a that is repeated along some axes and b whose axes lie in another order.
  @Test(arguments: 1...60) func operandsMayBeRepeatedAndTurned(_ seed: Int) throws {
    var random = SeededBits(seed: UInt64(seed))
    let shape = shape(&random)
    let narrow = shape.map { Bool.random(using: &random) ? $0 : 1 }
    let order = Array(shape.indices).shuffled(using: &random)
    let turned = order.map { shape[$0] }
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let a = builder.addInput("a", narrow), b = builder.addInput("b", turned)
    let back = try builder(
      .transpose, b, attributes: ["permutation": .ints(shape.indices.map { order.firstIndex(of: $0) ?? 0 })])
    let wide = try builder(.broadcastTo, a, attributes: ["shape": .dims(shape.map { Dim($0) })])
    let sum = try builder(.add, try builder(.multiply, wide, back), wide)
    let (first, second) = (numbers(narrow.reduce(1, *), &random), numbers(turned.reduce(1, *), &random))
    let result = try run(
      builder.finished(results: [sum]),
      [TensorData(shape: narrow, elements: first), TensorData(shape: turned, elements: second)])
    let expected = (0..<shape.reduce(1, *)).map { place in
      let position = position(place, in: shape)
      let x = first[element(position, in: narrow)]
      return x * second[element(order.map { position[$0] }, in: turned)] + x
    }
    #expect(result == expected, "\(shape) of \(narrow) and \(turned)")
  }

  /// Sums of exact numbers over some axes of a tensor that is repeated along some and lies in another order.
  @Test(arguments: 1...60) func sumsMayBeOfRepeatedAndTurnedAxes(_ seed: Int) throws {
    var random = SeededBits(seed: UInt64(seed))
    let shape = shape(&random)
    let order = Array(shape.indices).shuffled(using: &random)
    let narrow = shape.map { Int.random(in: 0..<3, using: &random) > 0 ? $0 : 1 }
    let turned = order.map { narrow[$0] }
    let axes = shape.indices.filter { _ in Bool.random(using: &random) }
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let x = builder.addInput("x", turned)
    let back = try builder(
      .transpose, x, attributes: ["permutation": .ints(shape.indices.map { order.firstIndex(of: $0) ?? 0 })])
    let wide = try builder(.broadcastTo, back, attributes: ["shape": .dims(shape.map { Dim($0) })])
    let sum = try builder(.sum, wide, attributes: ["axes": .ints(axes), "keepdims": .bool(true)])
    let elements = numbers(turned.reduce(1, *), &random)
    let result = try run(builder.finished(results: [sum]), [TensorData(shape: turned, elements: elements)])
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    var expected = Array(repeating: Float(0), count: kept.reduce(1, *))
    for place in 0..<shape.reduce(1, *) {
      let position = position(place, in: shape)
      expected[element(position, in: kept)] += elements[element(order.map { position[$0] }, in: turned)]
    }
    #expect(result == expected, "\(axes) of \(shape)")
  }

  /// An exponential average, a second one, and what is made of both: one pass over memory.
  @Test func updatesOfVariablesAreOnePass() throws {
    let (count, builder) = (5000, GraphBuilder(GraftIR.Function(name: "f")))
    let gradient = builder.addInput("gradient", [count])
    func variable(_ path: String) -> Operand {
      let value = builder.function.makeValue(TensorType(.float32, [Dim(count)]))
      builder.function.arguments.append(Argument(.state(path: path, persistent: true), value))
      return .value(value)
    }
    let (weight, mean, square) = (variable("w"), variable("m"), variable("v"))
    // Variables change after the result that is checked.
    let total = try builder(.sum, gradient, attributes: ["axes": .ints([0])])
    let m = try builder(.add, try builder(.multiply, mean, .float(0.5)), gradient)
    let v = try builder(.add, square, try builder(.multiply, gradient, gradient))
    let w = try builder(.subtract, weight, try builder(.multiply, m, v))
    var function = builder.finished(results: [total])
    function.stateUpdates = [("w", w), ("m", m), ("v", v)].map { StateUpdate(path: $0, value: $1) }
    var random = SeededBits(seed: 3)
    let start = try ["w", "m", "v"].map { ($0, try TensorData(shape: [count], elements: numbers(count, &random))) }
    let store = VariableStore(Dictionary(uniqueKeysWithValues: start))
    let program = try NativeProgram(
      function, kernels: NativeKernelSet(KernelPath.choose(environment: [:])), isTraining: true, variables: store,
      checksFirstResult: true
    ) { _ in nil }
    let given = numbers(count, &random)
    _ = try program.run([TensorData(shape: [count], elements: given)])
    func elements(_ tensor: TensorData?) throws -> [Float] {
      try tensor.map { try $0.withElements(of: Float.self) { Array($0) } } ?? []
    }
    let old = try start.map { try elements($0.1) }
    let first = zip(old[1], given).map { $0 * 0.5 + $1 }
    let second = zip(old[2], given).map { $0 + $1 * $1 }
    let weights = zip(old[0], zip(first, second)).map { $0 - $1.0 * $1.1 }
    #expect(try elements(store.tensor("m")) == first)
    #expect(try elements(store.tensor("v")) == second)
    #expect(try elements(store.tensor("w")) == weights)
    let names = try program.plan(for: [[count]]).steps.map(\.name)
    #expect(names.filter { $0.hasSuffix("to 3") }.count == 1, "\(names)")
    // The other is the copy of the sum to the caller.
    #expect(names.filter { $0.hasPrefix("elementwise") }.count == 2, "\(names)")
  }

  @Test func aLoopPacksAMatrixOnce() throws {
    let body = """
      %last.9 = scan([%x0.0], [%x1.1]) {count = 3} { (%s.3: f32[2,2], %e.4: f32[2,2])
        %p.5 = matmul(%s.3, %x2.2) : f32[2,2]
        %n.6 = add(%p.5, %e.4) : f32[2,2]
        return %n.6
      } : f32[2,2]
      """
    func tensor(_ shape: [Int], _ elements: [Float]) throws -> TensorData {
      try TensorData(shape: shape, elements: elements)
    }
    let results = try NativeText.run(
      body, returning: "%last.9",
      [
        tensor([2, 2], [1, 0, 0, 1]), tensor([3, 2, 2], Array(repeating: 1, count: 12)), tensor([2, 2], [0, 1, 1, 0]),
      ])
    #expect(try results[0].withElements(of: Float.self) { Array($0) } == [3, 4, 4, 3])
  }

  @Test func placesOutsideOfAnImageAreRefused() throws {
    let builder = GraphBuilder(GraftIR.Function(name: "f"))
    let x = builder.addInput("x", [1, 1, 1, 2])
    let places = builder.addInput("places", [1, 1, 1, 2], .int64)
    let image = try builder(
      .maxUnpool, x, places, attributes: ["size": .ints([2, 2]), "add": .bool(true)])
    let function = builder.finished(results: [image])
    func run(_ places: [Int64]) throws -> [Float] {
      try self.run(
        function,
        [
          TensorData(shape: [1, 1, 1, 2], elements: [1, 2] as [Float]),
          TensorData(shape: [1, 1, 1, 2], elements: places),
        ])
    }
    #expect(try run([3, 3]) == [0, 0, 0, 3])
    #expect(throws: (any Error).self) { try run([0, 4]) }
    #expect(throws: (any Error).self) { try run([-1, 0]) }
  }
}

extension GraphBuilder {
  fileprivate func addInput(_ name: String, _ shape: [Int], _ dtype: DType = .float32) -> Operand {
    let value = function.makeValue(TensorType(dtype, shape.map { Dim($0) }), hint: name)
    function.arguments.append(Argument(.input(leaf: function.inputNames.count), value))
    function.inputNames.append(name)
    function.inputs = .dict(function.inputNames.enumerated().map { Tree.Field($1, .leaf($0)) })
    function.outputs = .leaf(0)
    return .value(value)
  }
}
