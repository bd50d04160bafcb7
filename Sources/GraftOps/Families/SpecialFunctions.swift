import GraftIR

extension [Spelling] {
  /// The spellings of a special function of one operand `x`.
  fileprivate static func special(_ torch: String, scipy: String, aliases: [String] = []) -> [Spelling] {
    [.aten("special_\(torch).default(self:x)"), .torch("torch.special.\(torch)(input:x)")]
      + aliases.map { .aten("\($0).default(self:x)") } + [.jax("jax.scipy.special.\(scipy)(x)")]
  }
}

extension OpDefinition {
  static let specialFunctions: [OpDefinition] = [
    erf, erfc, erfinv, erfcx, lgamma, digamma, polygamma, multigammaln, gammainc, gammaincc, zeta, besselI0e, besselI1e,
    besselI0, besselI1, ndtr, ndtri, logNdtr, entr, sinc, logit, xlogy, xlog1py,
  ]

  private static let positive = [Sample(.uniform(0.2, 3, 3, 4))]
  private static let probability = [Sample(.uniform(0.05, 0.95, 3, 4))]

  // MARK: Error functions

  /// The error function.
  package static let erf: OpDefinition = unary(
    "erf", "Error function of x.", accepts: .floating,
    differentiability: .derivative { x in try (-x.squared).exp * Term(1.1283791670955126) },
    spellings: .special("erf", scipy: "erf", aliases: ["erf"]))

  /// `1 - erf(x)`, exact for large x.
  package static let erfc: OpDefinition = unary(
    "erfc", "1 - erf(x), exact for large x.", accepts: .floating,
    differentiability: .derivative { x in try (-x.squared).exp * Term(-1.1283791670955126) },
    spellings: .special("erfc", scipy: "erfc", aliases: ["erfc"]))

  /// The inverse error function.
  package static let erfinv: OpDefinition = unary(
    "erfinv", "Inverse error function of x.", accepts: .floating,
    differentiability: .derivativeOfResult { y in try y.squared.exp * Term(0.886226925452758) },
    spellings: .special("erfinv", scipy: "erfinv", aliases: ["erfinv"]), samples: [Sample(.uniform(-0.9, 0.9, 3, 4))])

  /// `exp(x * x) * erfc(x)`.
  package static let erfcx: OpDefinition = unary(
    "erfcx", "exp(x * x) * erfc(x).", accepts: .floating,
    decomposition: formula { x in try x.squared.exp * x.applying(.erfc) }, spellings: .special("erfcx", scipy: "erfcx"))

  /// The cumulative distribution of the standard normal distribution.
  package static let ndtr: OpDefinition = unary(
    "ndtr", "Cumulative standard normal distribution at x.", accepts: .floating,
    decomposition: formula { x in try (x * Term(-0.7071067811865476)).applying(.erfc) * 0.5 },
    spellings: .special("ndtr", scipy: "ndtr"))

  /// The quantile of the standard normal distribution.
  package static let ndtri: OpDefinition = unary(
    "ndtri", "Quantile x of the standard normal distribution.", accepts: .floating,
    decomposition: formula { x in try (2 * x - 1).applying(.erfinv) * Term(1.4142135623730951) },
    spellings: .special("ndtri", scipy: "ndtri"), samples: probability)

  /// The logarithm of ``ndtr``, by its asymptotic series far to the left.
  package static let logNdtr: OpDefinition = unary(
    "log_ndtr", "Logarithm of the cumulative standard normal distribution at x.", accepts: .floating,
    decomposition: formula { x in
      let isFar = try x < -8
      let near = try Term(0).where_(isFar, else: x)
      let z = try x.where_(isFar, else: -8)
      let inverse = try 1 / z.squared
      let series = try (inverse * (inverse * 3 - 1)).log1p
      let left = try series - z.squared * 0.5 - (-z).log - Term(0.9189385332046727)
      return try left.where_(isFar, else: near.applying(.ndtr).log)
    }, spellings: .special("log_ndtr", scipy: "log_ndtr"))

  // MARK: Gamma functions

  /// The logarithm of the absolute value of the gamma function.
  package static let lgamma: OpDefinition = unary(
    "lgamma", "Logarithm of |gamma(x)|.", accepts: .floating,
    differentiability: .derivative { x in try x.applying(.digamma) },
    spellings: .special("gammaln", scipy: "gammaln", aliases: ["lgamma"]), samples: positive)

  /// The derivative of ``lgamma``.
  package static let digamma: OpDefinition = unary(
    "digamma", "Derivative of lgamma at x.", accepts: .floating,
    differentiability: .derivative { x in
      guard let b = x.builder else { return x }
      return Term(b, try b(.polygamma, x.operand, attributes: ["order": .int(1)]))
    }, spellings: .special("digamma", scipy: "digamma", aliases: ["digamma", "special_psi"]), samples: positive)

  /// The derivative of ``digamma`` of the given order.
  package static let polygamma: OpDefinition = OpDefinition(
    "polygamma", family: .elementwise, summary: "Derivative of digamma of some order.", operands: [.tensor("x")],
    attributes: [AttributeSpec("order", .dim)], promotion: .floating, infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let next = try b(.polygamma, op[0], attributes: ["order": .int(try op.int("order") + 1)])
      return [try b(.multiply, ct, next)]
    },
    spellings: [
      .aten("polygamma.default(self:x, n:order)"), .aten("special_polygamma.default(self:x, n:order)"),
      .torch("torch.polygamma(n:order, input:x)"), .jax("jax.scipy.special.polygamma(order, x)"),
    ], samples: [Sample(.uniform(0.5, 3, 3, 4), attributes: ["order": .int(1)])])

  /// The logarithm of the multivariate gamma function of dimension `d`.
  package static let multigammaln: OpDefinition = OpDefinition(
    "multigammaln", family: .elementwise, summary: "Logarithm of the multivariate gamma function.",
    operands: [.tensor("x")], attributes: [AttributeSpec("d", .dim)], promotion: .floating,
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      let d = try op.int("d")
      guard d >= 1, d <= 1000 else { throw op.problem("cannot have dimension \(d)") }
      let x = Term(b, op[0])
      let constant = Term(Double(d * (d - 1)) / 4 * 1.1447298858494002)
      return [
        try (0..<d).reduce(x * 0 + constant) { sum, i in
          try sum + (x - Term(Double(i) / 2)).applying(.lgamma)
        }.operand
      ]
    },
    spellings: [
      .aten("mvlgamma.default(self:x, p:d)"), .aten("special_multigammaln.default(self:x, p:d)"),
      .torch("torch.special.multigammaln(input:x, p:d)"), .jax("jax.scipy.special.multigammaln(x, d)"),
    ], samples: [Sample(.uniform(2, 4, 3, 4), attributes: ["d": .int(2)])])

  /// The regularised lower incomplete gamma function of shape `x` at `y`.
  package static let gammainc: OpDefinition = binary(
    "gammainc", "Regularised lower incomplete gamma function of shape x at y.", accepts: .floating,
    promotion: .floating, differentiability: .partials(nil, gammaDensity),
    spellings: [
      .aten("igamma.default(self:x, other:y)"), .aten("special_gammainc.default(self:x, other:y)"),
      .torch("torch.special.gammainc(input:x, other:y)"), .jax("jax.scipy.special.gammainc(x, y)"),
    ], samples: [Sample(.uniform(0.5, 3, 3, 4), .uniform(0.5, 3, 4))])

  /// The regularised upper incomplete gamma function of shape `x` at `y`.
  package static let gammaincc: OpDefinition = binary(
    "gammaincc", "Regularised upper incomplete gamma function of shape x at y.", accepts: .floating,
    promotion: .floating, differentiability: .partials(nil) { x, y in try -gammaDensity(x, y) },
    spellings: [
      .aten("igammac.default(self:x, other:y)"), .aten("special_gammaincc.default(self:x, other:y)"),
      .torch("torch.special.gammaincc(input:x, other:y)"), .jax("jax.scipy.special.gammaincc(x, y)"),
    ], samples: [Sample(.uniform(0.5, 3, 3, 4), .uniform(0.5, 3, 4))])

  @Sendable private static func gammaDensity(_ x: Term, _ y: Term) throws -> Term {
    try ((x - 1) * y.log - y - x.applying(.lgamma)).exp
  }

  /// The Hurwitz zeta function.
  package static let zeta: OpDefinition = binary(
    "zeta", "Hurwitz zeta function of x at y.", accepts: .floating, promotion: .floating,
    differentiability: .partials(nil) { x, y in try -x * (x + 1).applying(.zeta, y) },
    spellings: [
      .aten("special_zeta.default(self:x, other:y)"), .torch("torch.special.zeta(input:x, other:y)"),
      .jax("jax.scipy.special.zeta(x, y)"),
    ], samples: [Sample(.uniform(2, 4, 3, 4), .uniform(0.5, 3, 4))])

  // MARK: Bessel functions

  /// `exp(-|x|) * i0(x)`.
  package static let besselI0e: OpDefinition = unary(
    "i0e", "exp(-|x|) times the modified Bessel function of order 0.", accepts: .floating,
    differentiability: .derivative { x in
      try x.applying(.besselI1e) - x.applying(.sign) * x.applying(.besselI0e)
    }, spellings: .special("i0e", scipy: "i0e"))

  /// `exp(-|x|) * i1(x)`.
  package static let besselI1e: OpDefinition = unary(
    "i1e", "exp(-|x|) times the modified Bessel function of order 1.", accepts: .floating,
    differentiability: .derivative { x in
      let y = try x.applying(.besselI1e)
      let isZero = try x.applying(.equal, 0)
      let slope = try Term(0.5).where_(isZero, else: y / Term(1).where_(isZero, else: x))
      return try x.applying(.besselI0e) - slope - x.applying(.sign) * y
    }, spellings: .special("i1e", scipy: "i1e"))

  /// The modified Bessel function of the first kind of order 0.
  package static let besselI0: OpDefinition = unary(
    "i0", "Modified Bessel function of order 0.", accepts: .floating,
    decomposition: formula { x in try x.applying(.besselI0e) * x.abs.exp },
    spellings: .special("i0", scipy: "i0", aliases: ["i0"]))

  /// The modified Bessel function of the first kind of order 1.
  package static let besselI1: OpDefinition = unary(
    "i1", "Modified Bessel function of order 1.", accepts: .floating,
    decomposition: formula { x in try x.applying(.besselI1e) * x.abs.exp }, spellings: .special("i1", scipy: "i1"))

  // MARK: Entropy and its kin

  /// `-x * log(x)`: zero at zero, minus infinity below.
  package static let entr: OpDefinition = unary(
    "entr", "-x * log(x), zero at zero.", accepts: .floating,
    decomposition: formula { x in
      let isPositive = try x > 0
      let safe = try x.where_(isPositive, else: 1)
      let rest = try Term(-.infinity).where_(x < 0, else: x * 0)
      return try (-safe * safe.log).where_(isPositive, else: rest)
    }, spellings: .special("entr", scipy: "entr"), samples: positive)

  /// `sin(pi * x) / (pi * x)`: one at zero.
  package static let sinc: OpDefinition = unary(
    "sinc", "sin(pi * x) / (pi * x), one at zero.", accepts: .floating,
    decomposition: formula { x in
      let isZero = try x.applying(.equal, 0)
      let angle = try Term(1).where_(isZero, else: x) * Term(.pi)
      return try Term(1).where_(isZero, else: angle.applying(.sin) / angle)
    }, spellings: .pointwise("sinc", numpy: "sinc", aliases: ["special_sinc"]))

  /// `log(x / (1 - x))`; x is first limited to [eps, 1 - eps] when eps is given.
  package static let logit: OpDefinition = OpDefinition(
    "logit", family: .elementwise, summary: "log(x / (1 - x)).", operands: [.tensor("x")],
    attributes: [AttributeSpec("eps", .float, default: Attribute.none)], promotion: .floating,
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      var x = op[0]
      if let eps = try op.optional("eps")?.asDouble { x = try b(.clip, x, .float(eps), .float(1 - eps)) }
      return [try (Term(b, x) / (1 - Term(b, x))).log.operand]
    },
    spellings: [
      .aten("logit.default(self:x, eps)"), .aten("special_logit.default(self:x, eps)"),
      .torch("torch.logit(input:x, eps=None)"),
    ], samples: [Sample(.uniform(0.05, 0.95, 3, 4)), Sample(.uniform(0, 1, 3, 4), attributes: ["eps": .float(0.1)])])

  /// `x * log(y)`: zero where x is zero, unless y is NaN.
  package static let xlogy: OpDefinition = binary(
    "xlogy", "x * log(y), zero where x is zero.", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in
      let isZero = try x.applying(.equal, 0) & y.applying(.equal, y)
      return try Term(0).where_(isZero, else: x * Term(1).where_(isZero, else: y).log)
    },
    spellings: [
      .aten("xlogy.Tensor(self:x, other:y)"), .aten("xlogy.Scalar_Self(self:x, other:y)"),
      .aten("xlogy.Scalar_Other(self:x, other:y)"), .aten("special_xlogy.default(self:x, other:y)"),
      .torch("torch.xlogy(input:x, other:y)"), .jax("jax.scipy.special.xlogy(x, y)"),
    ], samples: [Sample(.normal(3, 4), .uniform(0.1, 2, 4))])

  /// `x * log1p(y)`: zero where x is zero, unless y is NaN.
  package static let xlog1py: OpDefinition = binary(
    "xlog1py", "x * log1p(y), zero where x is zero.", accepts: .floating, promotion: .floating,
    decomposition: formula { x, y in
      let isZero = try x.applying(.equal, 0) & y.applying(.equal, y)
      return try Term(0).where_(isZero, else: x * Term(0).where_(isZero, else: y).log1p)
    },
    spellings: [
      .aten("special_xlog1py.default(self:x, other:y)"), .aten("special_xlog1py.self_scalar(self:x, other:y)"),
      .aten("special_xlog1py.other_scalar(self:x, other:y)"), .torch("torch.special.xlog1py(input:x, other:y)"),
      .jax("jax.scipy.special.xlog1py(x, y)"),
    ], samples: [Sample(.normal(3, 4), .uniform(0.1, 2, 4))])
}
