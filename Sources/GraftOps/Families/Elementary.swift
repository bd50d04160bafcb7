import GraftIR

extension [Spelling] {
  /// The spellings of a function of one operand `x`.
  ///
  /// - Parameters:
  ///   - torch: its name in `torch` and in the operator library, there also under `aliases`.
  ///   - numpy: its name in NumPy, and in JAX unless `jax` gives a full path.
  static func pointwise(
    _ torch: String, numpy: String? = nil, jax: String? = nil, aliases: [String] = []
  ) -> [Spelling] {
    var all = ([torch] + aliases).map { Spelling.aten("\($0).default(self:x)") }
    all.append(.torch("torch.\(torch)(input:x)"))
    if let numpy { all.append(.numpy("numpy.\(numpy)(x)")) }
    if let path = jax ?? numpy.map({ "jax.numpy.\($0)" }) { all.append(.jax("\(path)(x)")) }
    return all
  }
}

extension OpDefinition {
  static let elementary: [OpDefinition] = [
    abs, sign, reciprocal, square, exp2, expm1, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, asinh,
    acosh, atanh, floor, ceil, round, roundDecimals, trunc, frac,
  ]

  // MARK: Sign

  /// The absolute value; for complex numbers the magnitude, which is real.
  package static let abs: OpDefinition = OpDefinition(
    "abs", family: .elementwise, summary: "Absolute value of x.", operands: [.tensor("x")],
    infer: { call in
      let type = try call.type(0)
      try call.require(type, .numeric)
      return [type.with(dtype: type.dtype.realType)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let dtype = try op.type(0).dtype
      let cotangent = dtype.isComplex ? try b(.cast, ct, attributes: ["dtype": .dtype(dtype)]) : ct
      return [try b(.multiply, cotangent, try b(.sign, op[0]))]
    }, spellings: .pointwise("abs", numpy: "abs", aliases: ["absolute"]), samples: [Sample(.normal(3, 4))])

  /// -1, 0 or 1; for complex numbers x / |x|.
  package static let sign: OpDefinition = unary(
    "sign", "-1, 0 or 1 by the sign of x; x / |x| for complex x.", accepts: .any, promotion: .none,
    differentiability: .stepwise, spellings: .pointwise("sign", numpy: "sign", aliases: ["sgn"]))

  // MARK: Powers, exponentials, logarithms

  /// `1 / x`.
  package static let reciprocal: OpDefinition = unary(
    "reciprocal", "1 / x.", decomposition: formula { x in try 1 / x },
    spellings: [.aten("reciprocal.default(self:x)"), .torch("torch.reciprocal(input:x)")],
    samples: [Sample(.uniform(0.5, 2, 3, 4))])

  /// `x * x`.
  package static let square: OpDefinition = unary(
    "square", "x * x.", accepts: .numeric, promotion: .none, decomposition: formula { x in try x.squared },
    spellings: .pointwise("square", numpy: "square"))

  /// 2 raised to `x`.
  package static let exp2: OpDefinition = unary(
    "exp2", "2 raised to x.", decomposition: formula { x in try Term(2).applying(.power, x) },
    spellings: .pointwise("exp2", numpy: "exp2", aliases: ["special_exp2"]))

  /// `exp(x) - 1`, exact near zero.
  package static let expm1: OpDefinition = unary(
    "expm1", "exp(x) - 1, exact near zero.", differentiability: .derivativeOfResult { y in try y + 1 },
    spellings: .pointwise("expm1", numpy: "expm1", aliases: ["special_expm1"]))

  /// `log(1 + x)`, exact near zero.
  package static let log1p: OpDefinition = unary(
    "log1p", "log(1 + x), exact near zero.", differentiability: .derivative { x in try 1 / (x + 1) },
    spellings: .pointwise("log1p", numpy: "log1p", aliases: ["special_log1p"]),
    samples: [Sample(.uniform(-0.5, 2, 3, 4))])

  /// The logarithm to base 2.
  package static let log2: OpDefinition = unary(
    "log2", "Logarithm of x to base 2.", decomposition: formula { x in try x.log * Term(1 / 0.6931471805599453) },
    spellings: .pointwise("log2", numpy: "log2"), samples: [Sample(.uniform(0.1, 3, 3, 4))])

  /// The logarithm to base 10.
  package static let log10: OpDefinition = unary(
    "log10", "Logarithm of x to base 10.", decomposition: formula { x in try x.log * Term(1 / 2.302585092994046) },
    spellings: .pointwise("log10", numpy: "log10"), samples: [Sample(.uniform(0.1, 3, 3, 4))])

  // MARK: Trigonometry

  /// The sine.
  package static let sin: OpDefinition = unary(
    "sin", "Sine of x.", differentiability: .derivative { x in try x.applying(.cos) },
    spellings: .pointwise("sin", numpy: "sin"))

  /// The cosine.
  package static let cos: OpDefinition = unary(
    "cos", "Cosine of x.", differentiability: .derivative { x in try -x.applying(.sin) },
    spellings: .pointwise("cos", numpy: "cos"))

  /// The tangent.
  package static let tan: OpDefinition = unary(
    "tan", "Tangent of x.", decomposition: formula { x in try x.applying(.sin) / x.applying(.cos) },
    spellings: .pointwise("tan", numpy: "tan"))

  /// The inverse sine.
  package static let asin: OpDefinition = unary(
    "asin", "Inverse sine of x.", accepts: .inexact,
    decomposition: formula { x in try x.applying(.atan2, ((1 - x) * (1 + x)).sqrt) },
    spellings: .pointwise("asin", numpy: "arcsin", aliases: ["arcsin"]), samples: [Sample(.uniform(-0.9, 0.9, 3, 4))])

  /// The inverse cosine.
  package static let acos: OpDefinition = unary(
    "acos", "Inverse cosine of x.",
    decomposition: formula { x in try ((1 - x) * (1 + x)).sqrt.applying(.atan2, x) },
    spellings: .pointwise("acos", numpy: "arccos", aliases: ["arccos"]), samples: [Sample(.uniform(-0.9, 0.9, 3, 4))])

  /// The inverse tangent.
  package static let atan: OpDefinition = unary(
    "atan", "Inverse tangent of x.", differentiability: .derivative { x in try 1 / (1 + x.squared) },
    spellings: .pointwise("atan", numpy: "arctan", aliases: ["arctan"]))

  /// The hyperbolic sine.
  package static let sinh: OpDefinition = unary(
    "sinh", "Hyperbolic sine of x.",
    decomposition: formula { x in
      let e = try x.expm1
      return try (e + e / (e + 1)) * 0.5
    }, spellings: .pointwise("sinh", numpy: "sinh"))

  /// The hyperbolic cosine.
  package static let cosh: OpDefinition = unary(
    "cosh", "Hyperbolic cosine of x.", decomposition: formula { x in try (x.exp + (-x).exp) * 0.5 },
    spellings: .pointwise("cosh", numpy: "cosh"))

  /// The inverse hyperbolic sine.
  package static let asinh: OpDefinition = unary(
    "asinh", "Inverse hyperbolic sine of x.",
    decomposition: formula { x in
      let magnitude = try x.abs
      let square = try x.squared
      return try x.applying(.sign) * (magnitude + square / (1 + (square + 1).sqrt)).log1p
    }, spellings: .pointwise("asinh", numpy: "arcsinh", aliases: ["arcsinh"]))

  /// The inverse hyperbolic cosine.
  package static let acosh: OpDefinition = unary(
    "acosh", "Inverse hyperbolic cosine of x.",
    decomposition: formula { x in try (x + (x - 1).sqrt * (x + 1).sqrt).log },
    spellings: .pointwise("acosh", numpy: "arccosh", aliases: ["arccosh"]), samples: [Sample(.uniform(1.1, 3, 3, 4))])

  /// The inverse hyperbolic tangent.
  package static let atanh: OpDefinition = unary(
    "atanh", "Inverse hyperbolic tangent of x.",
    decomposition: formula { x in try (2 * x / (1 - x)).log1p * 0.5 },
    spellings: .pointwise("atanh", numpy: "arctanh", aliases: ["arctanh"]),
    samples: [Sample(.uniform(-0.9, 0.9, 3, 4))])

  // MARK: Rounding

  /// The greatest integer that is not above `x`.
  package static let floor: OpDefinition = unary(
    "floor", "Greatest integer not above x.", accepts: .real, promotion: .none, differentiability: .stepwise,
    spellings: .pointwise("floor", numpy: "floor"))

  /// The least integer that is not below `x`.
  package static let ceil: OpDefinition = unary(
    "ceil", "Least integer not below x.", accepts: .real, promotion: .none, differentiability: .stepwise,
    spellings: .pointwise("ceil", numpy: "ceil"))

  /// The nearest integer; halves go to the even one.
  package static let round: OpDefinition = unary(
    "round", "Nearest integer, halves to the even one.", accepts: .real, promotion: .none,
    differentiability: .stepwise, spellings: .pointwise("round", numpy: "round", aliases: ["special_round"]))

  /// The nearest multiple of `10 ** -decimals`.
  package static let roundDecimals: OpDefinition = OpDefinition(
    "round_decimals", family: .elementwise, summary: "x to a number of decimals.", operands: [.tensor("x")],
    attributes: [AttributeSpec("decimals", .dim)],
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      let decimals = try op.int("decimals")
      let scale = (0..<min(decimals.magnitude, 400)).reduce(1.0) { power, _ in power * 10 }
      let x = Term(b, op[0])
      let scaled = decimals < 0 ? try x / Term(scale) : try x * Term(scale)
      let rounded = try scaled.applying(.round)
      return [try (decimals < 0 ? rounded * Term(scale) : rounded / Term(scale)).operand]
    },
    spellings: [.aten("round.decimals(self:x, decimals)"), .torch("torch.round(input:x, decimals=0)")]
      + .numpyAndJAX("round(x, decimals)"),
    samples: [Sample(.normal(3, 4), attributes: ["decimals": .int(1)])])

  /// The integer part.
  package static let trunc: OpDefinition = unary(
    "trunc", "x without its fraction.", accepts: .real, promotion: .none, differentiability: .stepwise,
    spellings: .pointwise("trunc", numpy: "trunc", aliases: ["fix"]))

  /// The fraction, with the sign of `x`.
  package static let frac: OpDefinition = unary(
    "frac", "x without its integer part.", accepts: .floating,
    decomposition: formula { x in try x - x.applying(.trunc) },
    spellings: [.aten("frac.default(self:x)"), .torch("torch.frac(input:x)")])
}
