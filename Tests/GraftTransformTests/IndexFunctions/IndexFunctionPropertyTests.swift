import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

/// Random programs of positions give the same before and after, and their values are what the analysis says.
@Suite struct IndexFunctionPropertyTests {
  private static let sizes: [[String: Int]] = [
    ["N": 1, "T": 1, "S": 1], ["N": 2, "T": 2, "S": 1], ["N": 3, "T": 5, "S": 2], ["N": 1, "T": 4, "S": 9],
  ]

  private func inputs(_ function: Function, _ sizes: [String: Int], seed: UInt64) -> [Value: ReferenceTensor] {
    var generator = SplitMix(state: seed)
    var inputs: [Value: ReferenceTensor] = [:]
    for argument in function.arguments {
      let shape = function.type(of: argument.value).shape.map { $0.evaluate(sizes) ?? 0 }
      inputs[argument.value] = ReferenceTensor(shape) { _ in Double.random(in: 0...1, using: &generator).rounded() }
    }
    return inputs
  }

  @Test(arguments: 0..<200)
  func programsKeepTheirValues(seed: Int) throws {
    let declared = try indexProgram("return %mask")
    let program = try RandomIndexProgram.make(seed: UInt64(seed), over: declared)
    try OpCatalogue.verify(program)
    let pipeline = PassPipeline(
      "test", [RaiseIndexFunctions(), FoldConstants(), EliminateCommonSubexpressions(), EliminateDeadCode()],
      verifies: true)
    let raised = try pipeline.run(program)
    let plain = try PassPipeline("test", [EliminateCommonSubexpressions(), EliminateDeadCode()]).run(program)
    #expect(raised.body.operations.count <= plain.body.operations.count, "seed \(seed):\n\(plain)\n\(raised)")
    for sizes in Self.sizes {
      let inputs = inputs(program, sizes, seed: UInt64(seed))
      let before = try ReferenceRun(program, sizes: sizes, inputs: inputs)
      let after = try ReferenceRun(raised, sizes: sizes, inputs: inputs)
      #expect(before.results == after.results, "seed \(seed), sizes \(sizes):\n\(program)\n\(raised)")
    }
  }

  @Test(arguments: 0..<200)
  func functionsAreWhatTheValuesAre(seed: Int) throws {
    let program = try RandomIndexProgram.make(seed: UInt64(seed), over: indexProgram("return %mask"))
    let analysis = IndexFunctionAnalysis(program)
    for sizes in Self.sizes {
      let run = try ReferenceRun(program, sizes: sizes, inputs: inputs(program, sizes, seed: UInt64(seed)))
      for value in program.body.operations.flatMap(\.results) {
        guard let function = analysis[value], let tensor = run.values[value] else { continue }
        let evaluated = ReferenceTensor(tensor.shape) { place in
          function.evaluate(sizes.merging(axes(place)) { _, new in new }, run.values)
        }
        #expect(evaluated == tensor, "seed \(seed), sizes \(sizes), %\(value.id) = \(function)\n\(program)")
      }
    }
  }

  private func axes(_ place: [Int]) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: place.reversed().enumerated().map { ("@\($0)", $1) })
  }
}

extension IndexFunction {
  /// The element at a place that `bindings` gives with the sizes.
  fileprivate func evaluate(_ bindings: [String: Int], _ tensors: [Value: ReferenceTensor]) -> Double {
    switch self {
    case .whole(let value): value.evaluate(bindings).map(Double.init) ?? .nan
    case .number(let bits): Double(bitPattern: bits)
    case .boolean(let condition): condition.evaluate(bindings, tensors) ? 1 : 0
    case .choice(let condition, let a, let b):
      (condition.evaluate(bindings, tensors) ? a : b).evaluate(bindings, tensors)
    case .element(let element): element.evaluate(bindings, tensors)
    }
  }
}

extension IndexCondition {
  fileprivate func evaluate(_ bindings: [String: Int], _ tensors: [Value: ReferenceTensor]) -> Bool {
    switch self {
    case .constant(let holds): holds
    case .nonNegative(let value): (value.evaluate(bindings) ?? -1) >= 0
    case .zero(let value): value.evaluate(bindings) == 0
    case .nonZero(let value): value.evaluate(bindings) != 0
    case .element(let element, let holds): (element.evaluate(bindings, tensors) != 0) == holds
    case .all(let parts): parts.allSatisfy { $0.evaluate(bindings, tensors) }
    case .any(let parts): parts.contains { $0.evaluate(bindings, tensors) }
    }
  }
}

extension IndexedElement {
  fileprivate func evaluate(_ bindings: [String: Int], _ tensors: [Value: ReferenceTensor]) -> Double {
    let place = indices.map { $0.evaluate(bindings) ?? -1 }
    guard let tensor = tensors[value], zip(place, tensor.shape).allSatisfy({ $0 >= 0 && $0 < $1 }) else { return .nan }
    return tensor[place]
  }
}
