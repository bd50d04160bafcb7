import GraftIR
import GraftOps
import OrderedCollections
import Testing

/// Programs come out of files: whatever operands and attributes an op is given, inference refuses them or infers types.
@Suite struct InferenceFuzzTests {
  private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &self)] }
  }

  private static let dims: [Dim] = [
    0, 1, 2, 3, 4, -1, -7, 8, Dim(Int.max), Dim(Int.min), .symbol("N"), .symbol("N") * 2 + 1, Dim(1 << 40),
  ]

  private static func operand(_ g: inout SplitMix64, _ values: [Value]) -> Operand {
    switch Int.random(in: 0..<8, using: &g) {
    case 0: .absent
    case 1: .scalar(g.pick([.int(Int.min), .float(.nan), .bool(true), .complex(1, 2), .int(0)]))
    case 2: .list((0..<Int.random(in: 0..<4, using: &g)).map { _ in g.pick(values) })
    default: .value(g.pick(values))
    }
  }

  private static func attribute(_ g: inout SplitMix64, _ spec: AttributeSpec) -> Attribute {
    let count = Int.random(in: 0..<5, using: &g)
    switch spec.kind {
    case _ where Int.random(in: 0..<30, using: &g) == 0: return .none
    case .bool: return .bool(Bool.random(using: &g))
    case .float: return .float(g.pick([0, 0.5, -1, .nan, .infinity]))
    case .dtype: return .dtype(g.pick(DType.allCases))
    case .literal:
      return TensorLiteral(dtype: .int64, shape: [2], elements: [.int(1), .int(-1)]).map { .literal($0) } ?? .none
    case .dim: return .dim(g.pick(dims))
    case .dims: return .dims((0..<count).map { _ in g.pick(dims) })
    case .axis: return .int(g.pick([-1, 0, 1, 2, 3, Int.max, Int.min]))
    case .axes: return .ints((0..<count).map { _ in g.pick([0, 1, 2, 3, -1, Int.max]) })
    case .string(let words): return .string(g.pick(words + [""]))
    case .scalar: return .scalar(g.pick([.int(Int.max), .float(.infinity), .bool(false), .complex(0, 1), .int(2)]))
    case .numbers: return .list((0..<count).map { _ in .float(g.pick([0, -1, .nan, 0.5])) })
    case .text: return .string(g.pick(["", "ij,jk->ik", "...ij->", "->", ",,", "é"]))
    }
  }

  @Test(arguments: OpCatalogue.all.map(\.name)) func inferenceNeverTraps(name: String) throws {
    let definition = try #require(OpCatalogue.definition(name))
    var g = SplitMix64(state: 99)
    for _ in 0..<400 {
      var function = Function(name: "fuzz")
      let dtype = g.pick([DType.float32, .int64, .bool, .complex64, .key])
      let values = (0..<6).map { index in
        let shape = (0..<Int.random(in: 0..<6, using: &g)).map { _ in g.pick(Self.dims) }
        return function.makeValue(TensorType(index < 4 ? dtype : .int64, shape))
      }
      let operands = (0..<definition.operands.count).map { index -> Operand in
        if case .variadic = definition.operands[index].kind {
          return .list((0..<Int.random(in: 0..<4, using: &g)).map { _ in g.pick(values) })
        }
        return Self.operand(&g, values)
      }
      var attributes: OrderedDictionary<String, Attribute> = [:]
      for spec in definition.attributes where Int.random(in: 0..<8, using: &g) > 0 {
        attributes[spec.name] = Self.attribute(&g, spec)
      }
      do {
        let types = try definition.resultTypes(operands: operands, attributes: attributes, in: function)
        #expect(types.count <= 1 << 20)
      } catch is Diagnostic {
        continue
      }
    }
  }
}
