import GraftIR

extension [Spelling] {
  /// The spellings of an activation of one operand `x`.
  fileprivate static func activation(_ name: String, jax: String? = nil, aten: [String]? = nil) -> [Spelling] {
    (aten ?? [name]).map { .aten("\($0).default(self:x)") } + [.torch("torch.nn.functional.\(name)(input:x)")]
      + (jax.map { [.jax("jax.nn.\($0)(x)")] } ?? [])
  }
}

extension OpDefinition {
  static let activations: [OpDefinition] = [
    relu, relu6, hardtanh, leakyRelu, prelu, threshold, elu, celu, selu, gelu, geluDerivative, silu, mish, sigmoid,
    logSigmoid,
    softplus, hardSigmoid, hardSwish, glu, softmax, logSoftmax,
  ]

  /// An activation of `x` with attributes.
  private static func activation(
    _ name: String, _ summary: String, attributes: [AttributeSpec], decomposition: @escaping Decomposition,
    spellings: [Spelling], samples: [Sample] = [Sample(.normal(3, 4))]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .activation, summary: summary, operands: [.tensor("x")], attributes: attributes,
      infer: { [try $0.type(0)] }, decomposition: decomposition, spellings: spellings, samples: samples)
  }

  // MARK: Piecewise linear

  /// `max(x, 0)`.
  package static let relu: OpDefinition = unary(
    "relu", "max(x, 0).", family: .activation, accepts: .real, promotion: .none,
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b(.where_, try b(.greater, op.result, .int(0)), ct, .float(0))]
    },
    decomposition: formula { x in try x.where_(x > 0, else: 0) }, spellings: .activation("relu", jax: "relu"))

  /// `min(max(x, 0), 6)`.
  package static let relu6: OpDefinition = unary(
    "relu6", "min(max(x, 0), 6).", family: .activation, accepts: .real, promotion: .none,
    decomposition: { b, op in [try b(.hardtanh, op[0], attributes: ["low": .float(0), "high": .float(6)])] },
    spellings: .activation("relu6", jax: "relu6"))

  /// x limited to [low, high]; at a limit the gradient is zero.
  package static let hardtanh: OpDefinition = activation(
    "hardtanh", "x limited to [low, high], with no gradient at the limits.",
    attributes: [
      AttributeSpec("low", .float, default: .float(-1)), AttributeSpec("high", .float, default: .float(1)),
    ],
    decomposition: { b, op in
      let x = Term(b, op[0])
      let (low, high) = (Term(try op.double("low")), Term(try op.double("high")))
      return [try low.where_(x <= low, else: high.where_(x >= high, else: x)).operand]
    },
    spellings: [.torch("torch.nn.functional.hardtanh(input:x, min_val:low=-1.0, max_val:high=1.0)")])

  /// x where positive, `slope * x` elsewhere.
  package static let leakyRelu: OpDefinition = activation(
    "leaky_relu", "x where positive, slope * x elsewhere.",
    attributes: [AttributeSpec("slope", .float, default: .float(0.01))],
    decomposition: { b, op in
      let x = Term(b, op[0])
      return [try x.where_(x > 0, else: x * Term(try op.double("slope"))).operand]
    },
    spellings: [
      .aten("leaky_relu.default(self:x, negative_slope:slope)"),
      .torch("torch.nn.functional.leaky_relu(input:x, negative_slope:slope=0.01)"),
    ])

  /// x where positive, `slope * x` elsewhere; slope broadcasts against x.
  package static let prelu: OpDefinition = binary(
    "prelu", "x where positive, y * x elsewhere.", family: .activation, accepts: .floating,
    decomposition: formula { x, y in try x.where_(x > 0, else: y * x) }, spellings: [],
    samples: [Sample(.normal(3, 4), .normal(4))])

  /// x where it is above `threshold`, `value` elsewhere.
  package static let threshold: OpDefinition = activation(
    "threshold", "x where above the threshold, a value elsewhere.",
    attributes: [AttributeSpec("threshold", .scalar), AttributeSpec("value", .scalar)],
    decomposition: { b, op in
      let above = try b(.greater, op[0], .scalar(try op.scalar("threshold")))
      return [try b(.where_, above, op[0], .scalar(try op.scalar("value")))]
    },
    spellings: [
      .aten("threshold.default(self:x, threshold, value)"),
      .torch("torch.nn.functional.threshold(input:x, threshold, value)"),
    ],
    samples: [Sample(.normal(3, 4), attributes: ["threshold": .float(0.1), "value": .float(2)])])

  // MARK: Exponential units

  /// x where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al., 2016).
  package static let elu: OpDefinition = activation(
    "elu", "x where positive, alpha * (exp(x) - 1) elsewhere.",
    attributes: [AttributeSpec("alpha", .float, default: .float(1))],
    decomposition: { b, op in
      let x = Term(b, op[0])
      let isPositive = try x > 0
      let low = try Term(0).where_(isPositive, else: x).expm1 * Term(try op.double("alpha"))
      return [try x.where_(isPositive, else: low).operand]
    },
    spellings: [.torch("torch.nn.functional.elu(input:x, alpha=1.0)"), .jax("jax.nn.elu(x, alpha=1.0)")])

  /// x where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron, 2017).
  package static let celu: OpDefinition = activation(
    "celu", "x where positive, alpha * (exp(x / alpha) - 1) elsewhere.",
    attributes: [AttributeSpec("alpha", .float, default: .float(1))],
    decomposition: { b, op in
      let x = Term(b, op[0])
      let alpha = Term(try op.double("alpha"))
      let isPositive = try x > 0
      let low = try (Term(0).where_(isPositive, else: x) / alpha).expm1 * alpha
      return [try x.where_(isPositive, else: low).operand]
    },
    spellings: [
      .aten("celu.default(self:x, alpha)"), .torch("torch.nn.functional.celu(input:x, alpha=1.0)"),
      .jax("jax.nn.celu(x, alpha=1.0)"),
    ])

  /// The self-normalising scaled ``elu`` (Klambauer et al., 2017).
  package static let selu: OpDefinition = unary(
    "selu", "Scaled elu that keeps mean and variance.", family: .activation, accepts: .floating,
    decomposition: { b, op in
      let inner = try b(.elu, op[0], attributes: ["alpha": .float(1.6732632423543772)])
      return [try b(.multiply, inner, .float(1.0507009873554805))]
    }, spellings: .activation("selu", jax: "selu"))

  // MARK: Smooth

  /// The Gaussian error linear unit, exact or by the tanh approximation (Hendrycks and Gimpel, 2016).
  package static let gelu: OpDefinition = OpDefinition(
    "gelu", family: .activation, summary: "Gaussian error linear unit.", operands: [.tensor("x")],
    attributes: [AttributeSpec("approximate", .bool, default: .bool(false))], promotion: .floating,
    infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b(.multiply, ct, b(.geluDerivative, op[0], attributes: op.attributes))]
    },
    decomposition: { b, op in
      let x = Term(b, op[0])
      if try op.bool("approximate") {
        let inner = try Term(0.7978845608028654) * (x + Term(0.044715) * x * x * x)
        return [try (x * 0.5 * (1 + inner.applying(.tanh))).operand]
      }
      return [try (x * 0.5 * (-x * Term(0.7071067811865476)).applying(.erfc)).operand]
    },
    spellings: [.jax("jax.nn.gelu(x, approximate=True)")],
    samples: [Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["approximate": .bool(true)])])

  /// The derivative of ``gelu`` at x: of the exact one the normal distribution's cumulative function, and x times its density.
  package static let geluDerivative: OpDefinition = OpDefinition(
    "gelu_derivative", family: .activation, summary: "Derivative of the Gaussian error linear unit.",
    operands: [.tensor("x")], attributes: [AttributeSpec("approximate", .bool, default: .bool(false))],
    promotion: .floating, infer: { [try $0.type(0)] }, differentiability: .recomputed,
    decomposition: { b, op in
      let x = Term(b, op[0])
      if try op.bool("approximate") {
        let square = try x * x
        let t = try (x * (0.7978845608028654 + square * 0.035677408136300125)).applying(.tanh)
        let slope = try 0.7978845608028654 + square * 0.10703222440890037
        return [try (0.5 * (1 + t) + x * 0.5 * (1 - t * t) * slope).operand]
      }
      let below = try Term(0.5) * (-x * Term(0.7071067811865476)).applying(.erfc)
      return [try (below + x * 0.3989422804014327 * (x * x * -0.5).applying(.exp)).operand]
    },
    samples: [Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["approximate": .bool(true)])])

  /// `x * sigmoid(x)`, also called swish.
  package static let silu: OpDefinition = unary(
    "silu", "x * sigmoid(x).", family: .activation, differentiability: .recomputed,
    decomposition: formula { x in try x * x.applying(.sigmoid) },
    spellings: .activation("silu", jax: "silu"))

  /// `x * tanh(softplus(x))` (Misra, 2019).
  package static let mish: OpDefinition = unary(
    "mish", "x * tanh(softplus(x)).", family: .activation, accepts: .floating,
    differentiability: .recomputed,
    decomposition: formula { x in try x * x.applying(.softplus).applying(.tanh) },
    spellings: .activation("mish", jax: "mish"))

  /// `1 / (1 + exp(-x))`.
  package static let sigmoid: OpDefinition = unary(
    "sigmoid", "1 / (1 + exp(-x)).", family: .activation,
    differentiability: .derivativeOfResult { y in try y * (1 - y) },
    spellings: .activation("sigmoid", jax: "sigmoid", aten: ["sigmoid", "special_expit"]))

  /// The logarithm of ``sigmoid``.
  package static let logSigmoid: OpDefinition = unary(
    "log_sigmoid", "log(sigmoid(x)).", family: .activation, accepts: .floating,
    differentiability: .recomputed,
    decomposition: formula { x in try -(-x).applying(.softplus) },
    spellings: .activation("logsigmoid", jax: "log_sigmoid", aten: ["log_sigmoid"]))

  /// `log(1 + exp(beta * x)) / beta`.
  package static let softplus: OpDefinition = activation(
    "softplus", "log(1 + exp(beta * x)) / beta.", attributes: [AttributeSpec("beta", .float, default: .float(1))],
    decomposition: { b, op in
      let x = Term(b, op[0])
      let beta = try op.double("beta")
      if beta == 1 { return [try x.applying(.logaddexp, x * 0).operand] }
      let scaled = try x * Term(beta)
      return [try (scaled.applying(.logaddexp, scaled * 0) / Term(beta)).operand]
    }, spellings: [.torch("torch.nn.functional.softplus(input:x, beta=1.0)")])

  /// `min(max(x + 3, 0), 6) / 6`.
  package static let hardSigmoid: OpDefinition = unary(
    "hard_sigmoid", "min(max(x + 3, 0), 6) / 6.", family: .activation, accepts: .floating,
    differentiability: .recomputed,
    decomposition: formula { x in try (x + 3).applying(.relu6) / 6 },
    spellings: .activation("hardsigmoid", jax: "hard_sigmoid"))

  /// `x * hard_sigmoid(x)` (Howard et al., 2019).
  package static let hardSwish: OpDefinition = unary(
    "hard_swish", "x * hard_sigmoid(x).", family: .activation, accepts: .floating,
    differentiability: .recomputed,
    decomposition: formula { x in try x * x.applying(.hardSigmoid) },
    spellings: .activation("hardswish", jax: "hard_swish"))

  // MARK: Along an axis

  /// The first half along an axis times the sigmoid of the second (Dauphin et al., 2017).
  package static let glu: OpDefinition = OpDefinition(
    "glu", family: .activation, summary: "First half times sigmoid of the second half.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis)],
    infer: { call in
      var type = try call.type(0)
      let axis = try call.axis("axis", rank: type.rank)
      type.shape[axis] = type.shape[axis].floorDivided(by: 2)
      return [type]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let type = try op.type(0)
      let axis = try op.axis("axis", rank: type.rank)
      let half = type.shape[axis].floorDivided(by: 2)
      let first = try b.slice(op[0], axis: axis, from: 0, to: half)
      let second = try b.slice(op[0], axis: axis, from: half, to: type.shape[axis])
      return [try b(.multiply, first, try b(.sigmoid, second))]
    },
    spellings: [
      .aten("glu.default(self:x, dim:axis)"), .torch("torch.nn.functional.glu(input:x, dim:axis=-1)"),
      .jax("jax.nn.glu(x, axis=-1)"),
    ], samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1)])])

  /// `exp(x)`, normalised to the sum 1 along an axis.
  package static let softmax: OpDefinition = OpDefinition(
    "softmax", family: .activation, summary: "exp(x), normalised to the sum 1 along an axis.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis)], promotion: .floating, infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let weighted = try b(.multiply, ct, op.result)
      let total = try b(
        .sum, weighted, attributes: ["axes": .ints([try op.int("axis")]), "keepdims": .bool(true)])
      return [try b(.subtract, weighted, try b(.multiply, op.result, total))]
    },
    spellings: [
      .aten("softmax.int(self:x, dim:axis)"), .aten("_softmax.default(self:x, dim:axis)"),
      .aten("special_softmax.default(self:x, dim:axis)"),
      .torch("torch.nn.functional.softmax(input:x, dim:axis)"), .jax("jax.nn.softmax(x, axis=-1)"),
    ], samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1)])])

  /// The logarithm of ``softmax``.
  package static let logSoftmax: OpDefinition = OpDefinition(
    "log_softmax", family: .activation, summary: "log(softmax(x)) along an axis.", operands: [.tensor("x")],
    attributes: [AttributeSpec("axis", .axis)], promotion: .floating, infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      let total = try b(.sum, ct, attributes: ["axes": .ints([try op.int("axis")]), "keepdims": .bool(true)])
      return [try b(.subtract, ct, try b(.multiply, try b(.exp, op.result), total))]
    },
    spellings: [
      .aten("log_softmax.int(self:x, dim:axis)"),
      .aten("_log_softmax.default(self:x, dim:axis)"),
      .aten("special_log_softmax.default(self:x, dim:axis)"),
      .torch("torch.nn.functional.log_softmax(input:x, dim:axis)"), .jax("jax.nn.log_softmax(x, axis=-1)"),
    ], samples: [Sample(.normal(3, 4), attributes: ["axis": .int(1)])])
}
