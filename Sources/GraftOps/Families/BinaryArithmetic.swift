import GraftIR

extension [Spelling] {
  /// The operator library's overloads of a function of `x` and `y`, for the kinds of operand it takes.
  static func atenBinary(_ name: String, _ overloads: [String] = ["default"]) -> [Spelling] {
    overloads.map { .aten("\(name).\($0)(self:x, other:y)") }
  }

}

extension OpDefinition {
  static let binaryArithmetic: [OpDefinition] = [
    floorDivide, truncateDivide, remainder, fmod, maximum, minimum, fmax, fmin, atan2, hypot, logaddexp, logaddexp2,
    copysign, nextafter, ldexp, heaviside, gcd, lcm, bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseNot, leftShift,
    rightShift,
  ]

  private static let nonzero = [
    Sample(.normal(3, 4), .uniform(0.5, 2, 4)), Sample(.integers(-9, 9, 3, 4), .integers(1, 4, 4)),
  ]
  private static let whole = [Sample(.integers(0, 9, 3, 4), .integers(0, 9, 4))]

  // MARK: Division

  /// `x / y` rounded towards minus infinity.
  package static let floorDivide: OpDefinition = binary(
    "floor_divide", "x / y rounded towards minus infinity.", accepts: .real, differentiability: .stepwise,
    spellings: .python("x // y") + .atenBinary("floor_divide", ["default", "Scalar"]), samples: nonzero)

  /// `x / y` rounded towards zero.
  package static let truncateDivide: OpDefinition = binary(
    "truncate_divide", "x / y rounded towards zero.", accepts: .real, differentiability: .stepwise, spellings: [],
    samples: nonzero)

  /// The rest of ``floorDivide``, with the sign of y.
  package static let remainder: OpDefinition = binary(
    "remainder", "Remainder of x / y with the sign of y.", accepts: .real,
    differentiability: .partials({ _, _ in 1 }, { x, y in try -(x / y).applying(.floor) }),
    spellings: .python("x % y") + .atenBinary("remainder", .tensorAndScalar), samples: nonzero)

  /// The rest of ``truncateDivide``, with the sign of x.
  package static let fmod: OpDefinition = binary(
    "fmod", "Remainder of x / y with the sign of x.", accepts: .real,
    differentiability: .partials({ _, _ in 1 }, { x, y in try -(x / y).applying(.trunc) }),
    spellings: .atenBinary("fmod", .tensorAndScalar) + [.torch("torch.fmod(input:x, other:y)")]
      + .numpyAndJAX("fmod(x, y)"), samples: nonzero)

  // MARK: Extrema

  /// The gradient of an extremum: the cotangent goes to the operand that is chosen, half to each where they are equal.
  private static func chosen(_ isChosen: @escaping @Sendable (Term, Term) throws -> Term) -> Differentiability {
    .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let (x, y, whole) = (Term(b, op[0]), Term(b, op[1]), Term(b, ct))
      let isTie = try x.applying(.equal, y)
      func share(_ condition: Term) throws -> Operand {
        try (whole * 0.5).where_(isTie, else: whole.where_(condition, else: 0)).operand
      }
      return [
        try b.unbroadcast(share(isChosen(x, y)), like: op[0]), try b.unbroadcast(share(isChosen(y, x)), like: op[1]),
      ]
    }
  }

  /// The greater of x and y; NaN if either is.
  package static let maximum: OpDefinition = binary(
    "maximum", "The greater of x and y; NaN if either is.", accepts: [.bool, .integer, .floating],
    differentiability: chosen { x, y in try x > y },
    spellings: .atenBinary("maximum") + .atenBinary("max", ["other"]) + [.torch("torch.maximum(input:x, other:y)")]
      + .numpyAndJAX("maximum(x, y)"))

  /// The lesser of x and y; NaN if either is.
  package static let minimum: OpDefinition = binary(
    "minimum", "The lesser of x and y; NaN if either is.", accepts: [.bool, .integer, .floating],
    differentiability: chosen { x, y in try x < y },
    spellings: .atenBinary("minimum") + .atenBinary("min", ["other"]) + [.torch("torch.minimum(input:x, other:y)")]
      + .numpyAndJAX("minimum(x, y)"))

  /// The greater of x and y; the other one where one is NaN.
  package static let fmax: OpDefinition = binary(
    "fmax", "The greater of x and y, ignoring NaN.", accepts: .real,
    decomposition: formula { x, y in try x.where_((x >= y) | y.applying(.notEqual, y), else: y) },
    spellings: .atenBinary("fmax") + [.torch("torch.fmax(input:x, other:y)")] + .numpyAndJAX("fmax(x, y)"))

  /// The lesser of x and y; the other one where one is NaN.
  package static let fmin: OpDefinition = binary(
    "fmin", "The lesser of x and y, ignoring NaN.", accepts: .real,
    decomposition: formula { x, y in try x.where_((x <= y) | y.applying(.notEqual, y), else: y) },
    spellings: .atenBinary("fmin") + [.torch("torch.fmin(input:x, other:y)")] + .numpyAndJAX("fmin(x, y)"))

  // MARK: Geometry and logarithms

  /// The angle of the point (y, x): operands in the usual order `atan2(x, y)` = angle of abscissa y and ordinate x.
  package static let atan2: OpDefinition = binary(
    "atan2", "Angle of the point with ordinate x and abscissa y.", accepts: .floating, promotion: .floating,
    differentiability: .partials(
      { x, y in try y / (x.squared + y.squared) }, { x, y in try -x / (x.squared + y.squared) }),
    spellings: .atenBinary("atan2") + .atenBinary("arctan2") + [.torch("torch.atan2(input:x, other:y)")]
      + .numpyAndJAX("arctan2(x, y)"))

  /// `sqrt(x * x + y * y)`.
  package static let hypot: OpDefinition = binary(
    "hypot", "sqrt(x * x + y * y).", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in try (x.squared + y.squared).sqrt },
    spellings: .atenBinary("hypot") + [.torch("torch.hypot(input:x, other:y)")] + .numpyAndJAX("hypot(x, y)"))

  /// `log(exp(x) + exp(y))`.
  package static let logaddexp: OpDefinition = binary(
    "logaddexp", "log(exp(x) + exp(y)).", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in try x.applying(.maximum, y) + (-((x - y).abs)).exp.log1p },
    spellings: .atenBinary("logaddexp") + [.torch("torch.logaddexp(input:x, other:y)")]
      + .numpyAndJAX("logaddexp(x, y)"))

  /// `log2(2 ** x + 2 ** y)`.
  package static let logaddexp2: OpDefinition = binary(
    "logaddexp2", "log2(2 ** x + 2 ** y).", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in
      let ln2 = Term(0.6931471805599453)
      return try (x * ln2).applying(.logaddexp, y * ln2) / ln2
    },
    spellings: .atenBinary("logaddexp2") + [.torch("torch.logaddexp2(input:x, other:y)")]
      + .numpyAndJAX("logaddexp2(x, y)"))

  // MARK: Bits of floating numbers

  /// The magnitude of x with the sign of y.
  package static let copysign: OpDefinition = binary(
    "copysign", "Magnitude of x with the sign of y.", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in
      let magnitude = try x.abs
      return try (-magnitude).where_(y.applying(.signBit), else: magnitude)
    },
    spellings: .atenBinary("copysign", ["Tensor", "Scalar"]) + [.torch("torch.copysign(input:x, other:y)")]
      + .numpyAndJAX("copysign(x, y)"))

  /// The next representable number from x towards y.
  package static let nextafter: OpDefinition = binary(
    "nextafter", "Next representable number from x towards y.", accepts: .floating,
    differentiability: .none("a step in the representation"),
    spellings: .atenBinary("nextafter") + [.torch("torch.nextafter(input:x, other:y)")]
      + .numpyAndJAX("nextafter(x, y)"))

  /// `x * 2 ** y`.
  package static let ldexp: OpDefinition = binary(
    "ldexp", "x * 2 ** y.", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in try x * y.applying(.exp2) },
    spellings: .atenBinary("ldexp", ["Tensor"]) + [.torch("torch.ldexp(input:x, other:y)")])

  /// 0 below zero, 1 above, y at zero.
  package static let heaviside: OpDefinition = binary(
    "heaviside", "0 where x is negative, 1 where positive, y where zero.", accepts: .real,
    differentiability: .stepwise,
    spellings: [.aten("heaviside.default(self:x, values:y)"), .torch("torch.heaviside(input:x, values:y)")]
      + .numpyAndJAX("heaviside(x, y)"))

  // MARK: Integers

  /// The greatest common divisor.
  package static let gcd: OpDefinition = binary(
    "gcd", "Greatest common divisor.", accepts: .integer, differentiability: .none("on integers"),
    spellings: .atenBinary("gcd") + [.torch("torch.gcd(input:x, other:y)")] + .numpyAndJAX("gcd(x, y)"), samples: whole)

  /// The least common multiple.
  package static let lcm: OpDefinition = binary(
    "lcm", "Least common multiple.", accepts: .integer, differentiability: .none("on integers"),
    spellings: .atenBinary("lcm") + [.torch("torch.lcm(input:x, other:y)")] + .numpyAndJAX("lcm(x, y)"), samples: whole)

  /// `x & y`, of bits or of booleans.
  package static let bitwiseAnd: OpDefinition = binary(
    "bitwise_and", "x & y.", accepts: [.bool, .integer], differentiability: .none("on integers and booleans"),
    spellings: .python("x & y") + .atenBinary("bitwise_and", .tensorAndScalar)
      + .atenBinary("__and__", ["Tensor", "Scalar"]), samples: whole)

  /// `x | y`, of bits or of booleans.
  package static let bitwiseOr: OpDefinition = binary(
    "bitwise_or", "x | y.", accepts: [.bool, .integer], differentiability: .none("on integers and booleans"),
    spellings: .python("x | y") + .atenBinary("bitwise_or", .tensorAndScalar)
      + .atenBinary("__or__", ["Tensor", "Scalar"]), samples: whole)

  /// `x ^ y`, of bits or of booleans.
  package static let bitwiseXor: OpDefinition = binary(
    "bitwise_xor", "x ^ y.", accepts: [.bool, .integer], differentiability: .none("on integers and booleans"),
    spellings: .python("x ^ y") + .atenBinary("bitwise_xor", .tensorAndScalar)
      + .atenBinary("__xor__", ["Tensor", "Scalar"]), samples: whole)

  /// `~x`, of bits or of booleans.
  package static let bitwiseNot: OpDefinition = unary(
    "bitwise_not", "~x.", accepts: [.bool, .integer], promotion: .none,
    differentiability: .none("on integers and booleans"),
    spellings: .python("~x") + [.aten("bitwise_not.default(self:x)")], samples: [Sample(.bools(3, 4))])

  /// `x << y`.
  package static let leftShift: OpDefinition = binary(
    "left_shift", "x << y.", accepts: .integer, differentiability: .none("on integers"),
    spellings: .python("x << y") + .atenBinary("bitwise_left_shift", ["Tensor", "Tensor_Scalar", "Scalar_Tensor"])
      + .atenBinary("__lshift__", ["Tensor", "Scalar"]), samples: whole)

  /// `x >> y`, keeping the sign.
  package static let rightShift: OpDefinition = binary(
    "right_shift", "x >> y, keeping the sign.", accepts: .integer, differentiability: .none("on integers"),
    spellings: .python("x >> y") + .atenBinary("bitwise_right_shift", ["Tensor", "Tensor_Scalar", "Scalar_Tensor"])
      + .atenBinary("__rshift__", ["Tensor", "Scalar"]), samples: whole)
}

extension [String] {
  fileprivate static let tensorAndScalar = ["Tensor", "Scalar", "Scalar_Tensor"]
}
