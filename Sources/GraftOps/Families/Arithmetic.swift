import GraftIR

extension OpDefinition {
  static let arithmetic: [OpDefinition] =
    [
      add, subtract, multiply, divide, power, negative, exp, log, sqrt, rsqrt, tanh, cast, where_, clip, nanToNum,
    ] + elementary + binaryArithmetic + specialFunctions + complexNumbers

  // MARK: Binary

  /// `x + y`.
  package static let add: OpDefinition = binary(
    "add", "x + y.",
    differentiability: .vjp { b, op, ct in
      [try b.unbroadcast(ct[0], like: op[0]), try b.unbroadcast(ct[0], like: op[1])]
    }, spellings: .python("x + y"))

  /// `x - y`.
  package static let subtract: OpDefinition = binary(
    "subtract", "x - y.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      return [try b.unbroadcast(ct, like: op[0]), try b.unbroadcast(try b(.negative, ct), like: op[1])]
    }, spellings: .python("x - y"))

  /// `x * y`.
  package static let multiply: OpDefinition = binary(
    "multiply", "x * y.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      return [
        try b.unbroadcast(try b.scaled(ct, by: op[1]), like: op[0]),
        try b.unbroadcast(try b.scaled(ct, by: op[0]), like: op[1]),
      ]
    }, spellings: .python("x * y"))

  /// `x / y`, true division.
  package static let divide: OpDefinition = binary(
    "divide", "x / y, true division.", accepts: .inexact, promotion: .floating,
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let dx = try b(.divide, ct, try b.conjugated(op[1]))
      let dy = try b(.negative, try b.scaled(dx, by: op.result))
      return [try b.unbroadcast(dx, like: op[0]), try b.unbroadcast(dy, like: op[1])]
    },
    spellings: .python("x / y") + [.aten("div.Tensor(self:x, other:y)"), .aten("div.Scalar(self:x, other:y)")]
      + .atenBinary("true_divide", ["Tensor", "Scalar"]) + .atenBinary("divide", ["Tensor", "Scalar"]))

  /// `x ** y`.
  package static let power: OpDefinition = binary(
    "power", "x raised to y.",
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil] }
      let (x, y) = (Term(b, op[0]), Term(b, op[1]))
      var cotangents: [Operand?] = [nil, nil]
      if let exponent = op[1].asScalar?.asDouble {
        let slope = exponent == 0 ? try x * 0 : try y * x.applying(.power, Term(exponent - 1))
        cotangents[0] = try b.scaled(ct, by: slope.operand)
      } else {
        if op[0].asValue != nil {
          let slope = try y * x.applying(.power, y - 1)
          let safe = try Term(0).where_(y.applying(.equal, 0), else: slope)
          cotangents[0] = try b.unbroadcast(b.scaled(ct, by: safe.operand), like: op[0])
        }
        let whole = Term(b, op.result)
        let slope: Term
        if let base = op[0].asScalar?.asDouble {
          slope = try base == 0 ? whole * 0 : whole * Term(b, b.full(TensorType(b.type(ct).dtype), .float(base))).log
        } else {
          slope = try whole * Term(1).where_(x.applying(.equal, 0), else: x).log
        }
        cotangents[1] = try b.unbroadcast(b.scaled(ct, by: slope.operand), like: op[1])
      }
      return cotangents
    },
    spellings: .python("x ** y") + [
      .aten("pow.Tensor_Scalar(self:x, exponent:y)"), .aten("pow.Tensor_Tensor(self:x, exponent:y)"),
      .aten("pow.Scalar(self:x, exponent:y)"),
      .aten("float_power.Tensor_Scalar(self:x, exponent:y)"), .aten("float_power.Tensor_Tensor(self:x, exponent:y)"),
      .aten("float_power.Scalar(self:x, exponent:y)"),
    ], samples: [Sample(.uniform(0.1, 2, 3, 4), .uniform(-1, 2, 4)), Sample(.normal(3), .scalar(.int(2)))])

  // MARK: Unary

  /// `-x`.
  package static let negative: OpDefinition = unary(
    "negative", "-x.", accepts: .numeric, promotion: .none,
    differentiability: .vjp { b, _, ct in [try ct[0].map { try b(.negative, $0) }] },
    spellings: .python("-x") + [.aten("neg.default(self:x)"), .aten("negative.default(self:x)")])

  /// e raised to `x`.
  package static let exp: OpDefinition = unary(
    "exp", "e raised to x.",
    differentiability: .vjp { b, op, ct in [try ct[0].map { try b.scaled($0, by: op.result) }] },
    spellings: [.aten("exp.default(self:x)"), .torch("torch.exp(input:x)")] + .numpyAndJAX("exp(x)"))

  /// The natural logarithm.
  package static let log: OpDefinition = unary(
    "log", "Natural logarithm of x.",
    differentiability: .vjp { b, op, ct in [try ct[0].map { try b(.divide, $0, try b.conjugated(op[0])) }] },
    spellings: [.aten("log.default(self:x)"), .torch("torch.log(input:x)")] + .numpyAndJAX("log(x)"),
    samples: [Sample(.uniform(0.1, 3, 3, 4))])

  /// The square root.
  package static let sqrt: OpDefinition = unary(
    "sqrt", "Square root of x.",
    differentiability: .vjp { b, op, ct in
      [try ct[0].map { try b(.divide, $0, try b(.multiply, try b.conjugated(op.result), .float(2))) }]
    },
    spellings: [.aten("sqrt.default(self:x)"), .torch("torch.sqrt(input:x)")] + .numpyAndJAX("sqrt(x)"),
    samples: [Sample(.uniform(0.1, 3, 3, 4))])

  /// `1 / sqrt(x)`.
  package static let rsqrt: OpDefinition = unary(
    "rsqrt", "1 / sqrt(x).",
    decomposition: { b, op in [try b(.divide, .int(1), try b(.sqrt, op[0]))] },
    spellings: [
      .aten("rsqrt.default(self:x)"), .torch("torch.rsqrt(input:x)"), .jax("jax.lax.rsqrt(x)"),
    ], samples: [Sample(.uniform(0.1, 3, 3, 4))])

  /// The hyperbolic tangent.
  package static let tanh: OpDefinition = unary(
    "tanh", "Hyperbolic tangent of x.",
    differentiability: .vjp { b, op, ct in
      [try ct[0].map { try b.scaled($0, by: try b(.subtract, .int(1), try b(.multiply, op.result, op.result))) }]
    }, spellings: [.aten("tanh.default(self:x)"), .torch("torch.tanh(input:x)")] + .numpyAndJAX("tanh(x)"))

  // MARK: Types and selection

  /// `x` with another element type; rounds towards zero from floating to integer.
  package static let cast: OpDefinition = OpDefinition(
    "cast", family: .elementwise, summary: "x with another element type.", operands: [.tensor("x")],
    attributes: [AttributeSpec("dtype", .dtype)],
    infer: { call in [try call.type(0).with(dtype: try call.dtype("dtype"))] },
    differentiability: .vjp { b, op, ct in
      let source = try op.type(0).dtype
      guard let ct = ct[0], source.isDifferentiable else { return [nil] }
      return [try b(.cast, ct, attributes: ["dtype": .dtype(source)])]
    }, samples: [Sample(.normal(3, 4), attributes: ["dtype": .dtype(.int32)])])

  /// `x` where `condition` holds, `y` elsewhere; all three broadcast.
  package static let where_: OpDefinition = OpDefinition(
    "where", family: .elementwise, summary: "x where the condition holds, y elsewhere.",
    operands: [.tensor("condition"), .tensorOrScalar("x"), .tensorOrScalar("y")], promotion: .none,
    infer: { call in
      let condition = try call.type(0)
      guard condition.dtype == .bool else { throw call.problem("the condition must be boolean, not \(condition)") }
      let branches = OpCall(
        call.definition, operands: Array(call.operands.dropFirst()), attributes: [:], typeOf: call.type(of:))
      let type = try branches.elementwiseType()
      guard let shape = ShapeRule.broadcast(condition.shape, type.shape) else {
        throw call.problem("shapes do not broadcast: \(condition) and \(type)")
      }
      return [type.with(shape: shape)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil, nil] }
      return [
        nil, try b.unbroadcast(try b(.where_, op[0], ct, .float(0)), like: op[1]),
        try b.unbroadcast(try b(.where_, op[0], .float(0), ct), like: op[2]),
      ]
    }, spellings: .numpyAndJAX("where(condition, x, y)"),
    samples: [Sample(.bools(3, 4), .normal(3, 4), .scalar(.float(0)))])

  /// x limited from below and above; either limit may be left out. At a limit the gradient is still that of x.
  package static let clip: OpDefinition = OpDefinition(
    "clip", family: .elementwise, summary: "x limited from below and above.",
    operands: [.tensor("x"), .optional("low"), .optional("high")], promotion: .common,
    infer: { call in
      let type = try call.elementwiseType()
      try call.require(type, .real)
      return [type]
    },
    decomposition: { b, op in
      var x = Term(b, op[0])
      if !op[1].isAbsent {
        let low = Term(b, op[1])
        x = try low.where_(x < low, else: x)
      }
      if !op[2].isAbsent {
        let high = Term(b, op[2])
        x = try high.where_(x > high, else: x)
      }
      return [x.operand]
    },
    spellings: [
      .aten("clamp.default(self:x, min:low, max:high)"), .aten("clamp.Tensor(self:x, min:low, max:high)"),
      .aten("clip.default(self:x, min:low, max:high)"), .aten("clip.Tensor(self:x, min:low, max:high)"),
      .aten("clamp_min.default(self:x, min:low)"), .aten("clamp_min.Tensor(self:x, min:low)"),
      .aten("clamp_max.default(self:x, max:high)"), .aten("clamp_max.Tensor(self:x, max:high)"),
      .torch("torch.clamp(input:x, min:low=None, max:high=None)"), .numpy("numpy.clip(x, low, high)"),
    ],
    samples: [Sample(.normal(3, 4), .scalar(.float(-0.5)), .scalar(.float(0.5))), Sample(.normal(3), .scalar(.int(0)))])

  /// x with NaN and infinities replaced; an infinity without replacement becomes the type's extreme finite number.
  package static let nanToNum: OpDefinition = OpDefinition(
    "nan_to_num", family: .elementwise, summary: "x with NaN and infinities replaced.", operands: [.tensor("x")],
    attributes: [
      AttributeSpec("nan", .float, default: .float(0)), AttributeSpec("posinf", .float, default: Attribute.none),
      AttributeSpec("neginf", .float, default: Attribute.none),
    ],
    infer: { [try $0.type(0)] },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil] }
      return [try b(.where_, try b(.isFinite, op[0]), ct, .float(0))]
    },
    spellings: [
      .aten("nan_to_num.default(self:x, nan, posinf, neginf)"),
      .torch("torch.nan_to_num(input:x, nan=0.0, posinf=None, neginf=None)"),
    ] + .numpyAndJAX("nan_to_num(x, nan=0.0, posinf=None, neginf=None)"), samples: [Sample(.normal(3, 4))])
}

extension GraphBuilder {
  /// A cotangent summed over the axes along which `operand` was broadcast; nil for a number in place.
  func unbroadcast(_ cotangent: Operand?, like operand: Operand) throws -> Operand? {
    guard let cotangent, operand.asValue != nil else { return nil }
    let (from, to) = (shape(cotangent), shape(operand))
    if from == to { return cotangent }
    let extra = from.count - to.count
    let stretched = to.indices.filter { to[$0] == 1 && from[$0 + extra] != 1 }
    let axes = Array(0..<extra) + stretched.map { $0 + extra }
    if axes.isEmpty { return cotangent }
    let summed = try self(.sum, cotangent, attributes: ["axes": .ints(axes)])
    return try self(.reshape, summed, attributes: ["shape": .dims(to)])
  }
}
