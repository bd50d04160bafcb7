import GraftIR

extension OpDefinition {
  static let comparisons: [OpDefinition] = [
    equal, notEqual, less, lessEqual, greater, greaterEqual, isNaN, isInfinite, isFinite, isPositiveInfinity,
    isNegativeInfinity, isReal, signBit, isClose,
  ]

  /// `x == y`.
  package static let equal: OpDefinition = comparison(
    "equal", "x == y.", accepts: .any,
    spellings: .python("x == y") + [.aten("eq.Tensor(self:x, other:y)"), .aten("eq.Scalar(self:x, other:y)")])

  /// `x != y`.
  package static let notEqual: OpDefinition = comparison(
    "not_equal", "x != y.", accepts: .any,
    spellings: .python("x != y") + .atenBinary("ne", ["Tensor", "Scalar"])
      + .atenBinary("not_equal", ["Tensor", "Scalar"]))

  /// `x < y`.
  package static let less: OpDefinition = comparison(
    "less", "x < y.",
    spellings: .python("x < y") + .atenBinary("lt", ["Tensor", "Scalar"])
      + .atenBinary("less", ["Tensor", "Scalar"]))

  /// `x <= y`.
  package static let lessEqual: OpDefinition = comparison(
    "less_equal", "x <= y.",
    spellings: .python("x <= y") + .atenBinary("le", ["Tensor", "Scalar"])
      + .atenBinary("less_equal", ["Tensor", "Scalar"]))

  /// `x > y`.
  package static let greater: OpDefinition = comparison(
    "greater", "x > y.",
    spellings: .python("x > y") + .atenBinary("gt", ["Tensor", "Scalar"])
      + .atenBinary("greater", ["Tensor", "Scalar"]))

  /// `x >= y`.
  package static let greaterEqual: OpDefinition = comparison(
    "greater_equal", "x >= y.",
    spellings: .python("x >= y") + .atenBinary("ge", ["Tensor", "Scalar"])
      + .atenBinary("greater_equal", ["Tensor", "Scalar"]))

  // MARK: Tests

  /// Whether x is NaN.
  package static let isNaN: OpDefinition = predicate(
    "is_nan", "Whether x is NaN.", spellings: .pointwise("isnan", numpy: "isnan"))

  /// Whether x is infinite.
  package static let isInfinite: OpDefinition = predicate(
    "is_infinite", "Whether x is infinite.", spellings: .pointwise("isinf", numpy: "isinf"))

  /// Whether x is neither infinite nor NaN.
  package static let isFinite: OpDefinition = predicate(
    "is_finite", "Whether x is neither infinite nor NaN.", spellings: .pointwise("isfinite", numpy: "isfinite"))

  /// Whether x is plus infinity.
  package static let isPositiveInfinity: OpDefinition = predicate(
    "is_positive_infinity", "Whether x is plus infinity.", spellings: .pointwise("isposinf", numpy: "isposinf"))

  /// Whether x is minus infinity.
  package static let isNegativeInfinity: OpDefinition = predicate(
    "is_negative_infinity", "Whether x is minus infinity.", spellings: .pointwise("isneginf", numpy: "isneginf"))

  /// Whether x has no imaginary part.
  package static let isReal: OpDefinition = predicate(
    "is_real", "Whether x has no imaginary part.", spellings: .pointwise("isreal", numpy: "isreal"))

  /// Whether the sign bit of x is set, as for -0.
  package static let signBit: OpDefinition = predicate(
    "sign_bit", "Whether the sign bit of x is set.", accepts: .any,
    spellings: .pointwise("signbit", numpy: "signbit"))

  /// Whether `|x - y| <= atol + rtol * |y|`, or both are the same infinity.
  package static let isClose: OpDefinition = OpDefinition(
    "is_close", family: .comparison, summary: "Whether x and y are nearly equal.",
    operands: [.tensor("x"), .tensor("y")],
    attributes: [
      AttributeSpec("rtol", .float, default: .float(1e-5)), AttributeSpec("atol", .float, default: .float(1e-8)),
      AttributeSpec("equal_nan", .bool, default: .bool(false)),
    ], promotion: .common,
    infer: { [try $0.elementwiseType().with(dtype: .bool)] }, differentiability: .none("yields booleans"),
    spellings: [
      .aten("isclose.default(self:x, other:y, rtol, atol, equal_nan)"),
      .torch("torch.isclose(input:x, other:y, rtol=1e-05, atol=1e-08, equal_nan=False)"),
    ] + .numpyAndJAX("isclose(x, y, rtol=1e-05, atol=1e-08, equal_nan=False)"),
    samples: [Sample(.normal(3, 4), .normal(3, 4))])
}
