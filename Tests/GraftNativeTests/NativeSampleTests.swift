import GraftFiles
import GraftIR
import GraftOps
import GraftTransform
import OrderedCollections
import Testing

@testable import GraftNative

/// Ops on their samples: in single precision by their kernels, against double precision by their decompositions.
@Suite struct NativeSampleTests {
  /// A sample of an op.
  struct Case: CustomTestStringConvertible, Sendable {
    let op: String
    let number: Int
    var testDescription: String { "\(op) \(number)" }
  }

  static let cases = OpCatalogue.all.flatMap { op in
    op.samples.indices.map { Case(op: op.name, number: $0) }
  }.filter { runs($0) }

  private static func runs(_ item: Case) -> Bool {
    guard let single = try? SampleProgram(item), let double = try? SampleProgram(item, isDouble: true) else {
      return false
    }
    return [single, double].allSatisfy { (try? $0.outputs()) != nil }
  }

  @Test(arguments: cases) func kernelsAgreeWithDecompositions(_ item: Case) throws {
    let results = try SampleProgram(item).outputs()
    let references = try SampleProgram(item, isDouble: true).outputs()
    for (result, reference) in zip(results, references) {
      #expect(result.shape == reference.shape)
      if result.dtype == reference.dtype {
        let same = result.withUnsafeBytes { a in reference.withUnsafeBytes { a.elementsEqual($0) } }
        #expect(same)
        continue
      }
      let wide: DType = reference.dtype.isComplex ? .complex128 : .float64
      let own = try result.converted(to: wide).withElements(of: Double.self) { Array($0) }
      let exact = try reference.converted(to: wide).withElements(of: Double.self) { Array($0) }
      let scale = exact.filter(\.isFinite).map(abs).max() ?? 1
      for (a, b) in zip(own, exact) {
        #expect(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 0x1p-18 * max(scale, 1), "\(a) is not \(b)")
      }
    }
  }

  @Test func allSamplesRun() {
    let all = OpCatalogue.all.reduce(0) { $0 + $1.samples.count }
    print("native samples: \(Self.cases.count) of \(all)")
    #expect(Self.cases.count == all)
  }
}

/// A function of one op, with its sample's operands.
struct SampleProgram {
  let function: Function
  let inputs: [TensorData]
  /// How each input was drawn.
  let fills: [Sample.Fill]

  /// - Parameters:
  ///   - decomposes: whether double precision is computed by the op's decomposition.
  ///   - replacing: an attribute that stands instead of the sample's own.
  init(
    _ item: NativeSampleTests.Case, isDouble: Bool = false, decomposes: Bool = true, replacing name: String? = nil,
    by replacement: Attribute = .none
  ) throws {
    let op = try #require(OpCatalogue.definition(item.op))
    var function = Function(name: op.name)
    var tensors: [TensorData] = []
    var drawn: [Sample.Fill] = []
    var random = CounterRandom(seed: UInt64(item.number) &+ 7)
    func operand(_ argument: Sample.Argument) throws -> Operand {
      switch argument {
      case .scalar(let scalar): return .scalar(scalar)
      case .absent: return .absent
      case .list(let items): return .list(try items.compactMap { try operand($0).asValue })
      case .tensor(let type, let fill):
        let single = try fill.tensor(type, &random)
        let tensor = isDouble ? try single.converted(to: single.dtype.doubled) : single
        let value = function.makeValue(TensorType(tensor.dtype, type.shape.map { Dim($0) }))
        function.arguments.append(Argument(.input(leaf: tensors.count), value))
        function.inputNames.append("x\(tensors.count)")
        tensors.append(tensor)
        drawn.append(fill)
        return .value(value)
      }
    }
    let operands = try op.samples[item.number].operands.map(operand)
    function.inputs = .dict(tensors.indices.map { Tree.Field("x\($0)", .leaf($0)) })
    let builder = GraphBuilder(function)
    var attributes = op.samples[item.number].attributes
    if let name { attributes[name] = replacement }
    if isDouble, attributes["dtype"] == .dtype(.float32) { attributes["dtype"] = .dtype(.float64) }
    let results = try builder.apply(op, operands, attributes: attributes)
    var whole = builder.finished(results: results)
    whole.outputs = .tuple(results.indices.map { .leaf($0) })
    self.function = isDouble && decomposes ? try DecomposeComposites().run(whole) : whole
    inputs = tensors
    fills = drawn
  }

  /// The program as a package holds it.
  var text: String { IRPrinter().print(function) }

  func outputs() throws -> [TensorData] {
    try NativeProgram(function, kernels: NativeKernelSet(.choose(environment: [:])), pool: ThreadPool(width: 1)) { _ in
      nil
    }.run(inputs)
  }
}

extension Sample.Fill {
  fileprivate func tensor(_ type: Sample.TensorLiteralType, _ random: inout CounterRandom) throws -> TensorData {
    switch self {
    case .normal:
      return try TensorData(random: .normal(), dtype: type.dtype, shape: type.shape, using: &random)
    case .uniform(let low, let high):
      return try TensorData(random: .uniform(low..<high), dtype: type.dtype, shape: type.shape, using: &random)
    case .integers(let low, let high):
      if type.dtype == .bool {
        return try TensorData(
          random: .bernoulli(probability: 0.5), dtype: .bool, shape: type.shape, using: &random)
      }
      return try TensorData(
        random: .integers(Int64(low)...Int64(high - 1)), dtype: type.dtype, shape: type.shape, using: &random)
    case .permutation:
      let count = type.shape.reduce(1, *)
      let numbers = (0..<count).shuffled(using: &random).map { Int64($0) }
      return try TensorData(shape: type.shape, elements: numbers).converted(to: type.dtype)
    case .positiveDefinite:
      let normal = try TensorData(random: .normal(), dtype: type.dtype, shape: type.shape, using: &random)
      let count = type.shape.last ?? 0
      let factors = try normal.withElements(of: Float.self) { Array($0) }
      let products = factors.indices.map { place -> Float in
        let (row, column) = (place / count % count, place % count)
        let start = place / (count * count) * count * count
        let sum = (0..<count).reduce(Float(0)) {
          $0 + factors[start + row * count + $1] * factors[start + column * count + $1]
        }
        return row == column ? sum + 1 : sum
      }
      return try TensorData(shape: type.shape, elements: products)
    }
  }
}

extension DType {
  /// The type of the same kind in double precision.
  var doubled: DType { self == .float32 ? .float64 : self == .complex64 ? .complex128 : self }
}

extension KernelPath {
  fileprivate static func choose(environment: [String: String]) -> KernelPath {
    (try? KernelPath.choose(.current, environment: environment)) ?? .baseline
  }
}
