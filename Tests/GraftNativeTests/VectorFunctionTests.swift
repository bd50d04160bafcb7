import Foundation
import NativeKernels
import Testing

/// The functions of floating types against those of the C library in double precision.
@Suite struct VectorFunctionTests {
  /// A function of one element, and how far its results may be from the exact ones.
  struct Function: CustomTestStringConvertible {
    var op: GraftOperator
    var name: String
    /// For float32 in units of the last place.
    var bound: Double
    /// For float64, against the same function of the library, composed.
    var doubleBound: Double
    var reference: @Sendable (Double) -> Double

    var testDescription: String { name }

    init(
      _ op: GraftOperator, _ name: String, _ bound: Double, double doubleBound: Double = 1,
      _ reference: @escaping @Sendable (Double) -> Double
    ) {
      self.op = op
      self.name = name
      self.bound = bound
      self.doubleBound = doubleBound
      self.reference = reference
    }
  }

  static let functions: [Function] = [
    Function(GRAFT_OP_NEGATIVE, "negative", 0) { -$0 },
    Function(GRAFT_OP_ABS, "abs", 0) { abs($0) },
    Function(GRAFT_OP_SIGN, "sign", 0) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
    Function(GRAFT_OP_EXP, "exp", 2, double: 2) { exp($0) },
    Function(GRAFT_OP_EXP2, "exp2", 2) { exp2($0) },
    Function(GRAFT_OP_EXPM1, "expm1", 2) { expm1($0) },
    Function(GRAFT_OP_LOG, "log", 2) { log($0) },
    Function(GRAFT_OP_LOG2, "log2", 2) { log2($0) },
    Function(GRAFT_OP_LOG10, "log10", 2) { log10($0) },
    Function(GRAFT_OP_LOG1P, "log1p", 2) { log1p($0) },
    Function(GRAFT_OP_SQRT, "sqrt", 0.5) { $0.squareRoot() },
    Function(GRAFT_OP_RSQRT, "rsqrt", 2) { 1 / $0.squareRoot() },
    Function(GRAFT_OP_RECIPROCAL, "reciprocal", 0.5) { 1 / $0 },
    Function(GRAFT_OP_SQUARE, "square", 0.5) { $0 * $0 },
    Function(GRAFT_OP_TANH, "tanh", 2) { tanh($0) },
    Function(GRAFT_OP_SIGMOID, "sigmoid", 2, double: 4) { logistic($0) },
    Function(GRAFT_OP_RELU, "relu", 0) { $0 < 0 ? 0 : $0 },
    Function(GRAFT_OP_SILU, "silu", 4, double: 4) { $0 * logistic($0) },
    Function(GRAFT_OP_GELU_ERF, "gelu_erf", 4, double: 4) { $0 * 0.5 * erfc(-$0 * 0.5.squareRoot()) },
    Function(GRAFT_OP_GELU_TANH, "gelu_tanh", 4, double: .infinity) { x in
      x * logistic(2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))
    },
    Function(GRAFT_OP_SOFTPLUS, "softplus", 4, double: 4) { max($0, 0) + log1p(exp(-abs($0))) + ($0.isNaN ? $0 : 0) },
    Function(GRAFT_OP_ERF, "erf", 2) { erf($0) },
    Function(GRAFT_OP_ERFC, "erfc", 4) { erfc($0) },
    Function(GRAFT_OP_SIN, "sin", 4) { sin($0) },
    Function(GRAFT_OP_COS, "cos", 4) { cos($0) },
    Function(GRAFT_OP_TAN, "tan", 4) { tan($0) },
    Function(GRAFT_OP_ASIN, "asin", 4) { asin($0) },
    Function(GRAFT_OP_ACOS, "acos", 4) { acos($0) },
    Function(GRAFT_OP_ATAN, "atan", 4) { atan($0) },
    Function(GRAFT_OP_SINH, "sinh", 4) { sinh($0) },
    Function(GRAFT_OP_COSH, "cosh", 4) { cosh($0) },
    Function(GRAFT_OP_ASINH, "asinh", 4) { asinh($0) },
    Function(GRAFT_OP_ACOSH, "acosh", 4) { acosh($0) },
    Function(GRAFT_OP_ATANH, "atanh", 4) { atanh($0) },
    Function(GRAFT_OP_FLOOR, "floor", 0) { floor($0) },
    Function(GRAFT_OP_CEIL, "ceil", 0) { ceil($0) },
    Function(GRAFT_OP_ROUND, "round", 0) { $0.rounded(.toNearestOrEven) },
    Function(GRAFT_OP_TRUNC, "trunc", 0) { trunc($0) },
  ]

  @Sendable static func logistic(_ x: Double) -> Double { x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)) }

  /// Special numbers, numbers of ordinary size, and numbers of any bits.
  static func inputs<T: BinaryFloatingPoint>(
    _ type: T.Type, count: Int, bits: (UInt64) -> T, _ generator: inout SeededBits
  ) -> [T] {
    let ordinary = (0..<count).map { _ in T(Double.random(in: -15...15, using: &generator)) }
    let any = (0..<count).map { _ in bits(generator.next()) }
    return specials(type) + ordinary + any
  }

  @Test(arguments: VectorPath.allCases, functions.indices) func float32(path: VectorPath, index: Int) throws {
    try path.require()
    let function = Self.functions[index], seed = UInt64(index)
    var generator = SeededBits(seed: seed)
    let x = Self.inputs(
      Float.self, count: 4000, bits: { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }, &generator)
    let block = try #require(graft_block(path.kernels, function.op, GRAFT_TYPE_F32))
    var y = [Float](repeating: 0, count: x.count)
    block(&y, x, nil, nil, x.count)
    for (x, y) in zip(x, y) {
      let exact = function.reference(Double(x)), error = ulps(y, from: exact)
      if error <= function.bound { continue }
      Issue.record("\(function.name)(\(x)) = \(y), not \(exact): \(error) places; seed \(seed)")
      return
    }
  }

  @Test(arguments: VectorPath.allCases, functions.indices) func float64(path: VectorPath, index: Int) throws {
    try path.require()
    let function = Self.functions[index], seed = UInt64(index)
    var generator = SeededBits(seed: seed)
    let x = Self.inputs(Double.self, count: 2000, bits: Double.init(bitPattern:), &generator)
    let block = try #require(graft_block(path.kernels, function.op, GRAFT_TYPE_F64))
    var y = [Double](repeating: 0, count: x.count)
    block(&y, x, nil, nil, x.count)
    for (x, y) in zip(x, y) {
      let exact = function.reference(x)
      // Where the reference is composed, its own errors grow in the tails, and at the borders of the format.
      if function.doubleBound > 1 && (x < -15 || abs(exact) < 1e-300) { continue }
      // An error in the argument of an exponential, which both sides make, grows with the argument.
      let bound = function.doubleBound.isFinite ? function.doubleBound : 4 + 4 * abs(1.6 * x + 0.0714 * x * x * x)
      let error = ulps(y, from: exact)
      if error <= bound || exact.isNaN && y.isNaN { continue }
      Issue.record("\(function.name)(\(x)) = \(y), not \(exact): \(error) places; seed \(seed)")
      return
    }
  }

  /// The derivatives of gelu, which pass through zero: to some places of 1, and to some of themselves in the lower tail.
  @Test(arguments: VectorPath.allCases) func slopesOfGelu(path: VectorPath) throws {
    try path.require()
    func exact(_ x: Double) -> Double {
      0.5 * erfc(-x * 0.5.squareRoot()) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    }
    func approximate(_ x: Double) -> Double {
      let c = 2 * (2 / Double.pi).squareRoot(), s = Self.logistic(c * (x + 0.044715 * x * x * x))
      return s + x * s * Self.logistic(-c * (x + 0.044715 * x * x * x)) * c * (1 + 0.134145 * x * x)
    }
    var generator = SeededBits(seed: 11)
    let x = (0..<4001).map { _ in Double(Float(Double.random(in: -12...12, using: &generator))) } + [0, -40, 40]
    for (op, reference) in [(GRAFT_OP_GELU_ERF_SLOPE, exact), (GRAFT_OP_GELU_TANH_SLOPE, approximate)] {
      let (single, double) = (
        try #require(graft_block(path.kernels, op, GRAFT_TYPE_F32)),
        try #require(graft_block(path.kernels, op, GRAFT_TYPE_F64))
      )
      var (narrow, wide) = ([Float](repeating: 7, count: x.count), [Double](repeating: 7, count: x.count))
      single(&narrow, x.map(Float.init), nil, nil, x.count)
      double(&wide, x, nil, nil, x.count)
      for (index, x) in x.enumerated() {
        let value = reference(x), isTail = op == GRAFT_OP_GELU_ERF_SLOPE && x < -2 && x > -9
        let scale = isTail ? abs(value) * 8 : 1
        #expect(abs(Double(narrow[index]) - value) <= 4 * Double(Float.ulpOfOne) * scale, "\(x)")
        #expect(abs(wide[index] - value) <= 16 * Double.ulpOfOne, "\(x)")
      }
      var special = [Float](repeating: 7, count: 3)
      single(&special, [Float.nan, Float.infinity, -Float.infinity], nil, nil, 3)
      #expect(special.filter(\.isNaN).count == 3, "The density times x has no limit in floating point, as in PyTorch.")
    }
  }
}
