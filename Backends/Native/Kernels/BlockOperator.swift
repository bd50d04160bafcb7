import NativeKernels

/// An operator of elementwise work that has a kernel.
package enum BlockOperator: String, Sendable, Hashable, CaseIterable {
  case negative, abs, sign, exp, exp2, expm1, log, log2, log10, log1p, sqrt, rsqrt, reciprocal, square, tanh, sigmoid
  case relu, silu, geluErf, geluTanh, geluErfSlope, geluTanhSlope, softplus, erf, erfc
  case sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh, floor, ceil, round, trunc, isNaN, isInfinite,
    isFinite, signBit, logicalNot, bitwiseNot
  case add, subtract, multiply, divide, power, maximum, minimum, fmax, fmin, atan2, hypot, copysign, floorDivide
  case truncateDivide, remainder, fmod, bitwiseAnd, bitwiseOr, bitwiseXor, leftShift, rightShift
  case equal, notEqual, less, lessEqual, greater, greaterEqual
  case where_, clip, fma
  // In Swift.
  case erfinv, lgamma, digamma, polygamma, gammainc, gammaincc, zeta, besselI0e, besselI1e, nextafter, gcd, lcm
  case real, imaginary, conjugate, complex

  /// The operator of the C kernels; nil for those that are in Swift alone.
  var kernel: GraftOperator? { Self.kernels[self] }

  private static let kernels: [BlockOperator: GraftOperator] = unary.merging(binary) { a, _ in a }

  private static let unary: [BlockOperator: GraftOperator] = [
    .negative: GRAFT_OP_NEGATIVE, .abs: GRAFT_OP_ABS, .sign: GRAFT_OP_SIGN, .exp: GRAFT_OP_EXP, .exp2: GRAFT_OP_EXP2,
    .expm1: GRAFT_OP_EXPM1, .log: GRAFT_OP_LOG, .log2: GRAFT_OP_LOG2, .log10: GRAFT_OP_LOG10,
    .log1p: GRAFT_OP_LOG1P, .sqrt: GRAFT_OP_SQRT, .rsqrt: GRAFT_OP_RSQRT, .reciprocal: GRAFT_OP_RECIPROCAL,
    .square: GRAFT_OP_SQUARE, .tanh: GRAFT_OP_TANH, .sigmoid: GRAFT_OP_SIGMOID, .relu: GRAFT_OP_RELU,
    .silu: GRAFT_OP_SILU, .geluErf: GRAFT_OP_GELU_ERF, .geluTanh: GRAFT_OP_GELU_TANH,
    .geluErfSlope: GRAFT_OP_GELU_ERF_SLOPE, .geluTanhSlope: GRAFT_OP_GELU_TANH_SLOPE, .softplus: GRAFT_OP_SOFTPLUS,
    .erf: GRAFT_OP_ERF, .erfc: GRAFT_OP_ERFC, .sin: GRAFT_OP_SIN, .cos: GRAFT_OP_COS, .tan: GRAFT_OP_TAN,
    .asin: GRAFT_OP_ASIN, .acos: GRAFT_OP_ACOS, .atan: GRAFT_OP_ATAN, .sinh: GRAFT_OP_SINH, .cosh: GRAFT_OP_COSH,
    .asinh: GRAFT_OP_ASINH, .acosh: GRAFT_OP_ACOSH, .atanh: GRAFT_OP_ATANH, .floor: GRAFT_OP_FLOOR,
    .ceil: GRAFT_OP_CEIL, .round: GRAFT_OP_ROUND, .trunc: GRAFT_OP_TRUNC, .isNaN: GRAFT_OP_IS_NAN,
    .isInfinite: GRAFT_OP_IS_INFINITE, .isFinite: GRAFT_OP_IS_FINITE, .signBit: GRAFT_OP_SIGN_BIT,
    .logicalNot: GRAFT_OP_LOGICAL_NOT, .bitwiseNot: GRAFT_OP_BITWISE_NOT,
  ]

  private static let binary: [BlockOperator: GraftOperator] = [
    .add: GRAFT_OP_ADD, .subtract: GRAFT_OP_SUBTRACT, .multiply: GRAFT_OP_MULTIPLY, .divide: GRAFT_OP_DIVIDE,
    .power: GRAFT_OP_POWER, .maximum: GRAFT_OP_MAXIMUM, .minimum: GRAFT_OP_MINIMUM, .fmax: GRAFT_OP_FMAX,
    .fmin: GRAFT_OP_FMIN, .atan2: GRAFT_OP_ATAN2, .hypot: GRAFT_OP_HYPOT, .copysign: GRAFT_OP_COPYSIGN,
    .floorDivide: GRAFT_OP_FLOOR_DIVIDE, .truncateDivide: GRAFT_OP_TRUNCATE_DIVIDE,
    .remainder: GRAFT_OP_REMAINDER, .fmod: GRAFT_OP_FMOD, .bitwiseAnd: GRAFT_OP_BITWISE_AND,
    .bitwiseOr: GRAFT_OP_BITWISE_OR, .bitwiseXor: GRAFT_OP_BITWISE_XOR, .leftShift: GRAFT_OP_LEFT_SHIFT,
    .rightShift: GRAFT_OP_RIGHT_SHIFT, .equal: GRAFT_OP_EQUAL, .notEqual: GRAFT_OP_NOT_EQUAL,
    .less: GRAFT_OP_LESS, .lessEqual: GRAFT_OP_LESS_EQUAL, .greater: GRAFT_OP_GREATER,
    .greaterEqual: GRAFT_OP_GREATER_EQUAL, .where_: GRAFT_OP_WHERE, .clip: GRAFT_OP_CLIP, .fma: GRAFT_OP_FMA,
  ]
}
