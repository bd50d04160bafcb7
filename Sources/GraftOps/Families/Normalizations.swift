package import GraftIR

extension OpDefinition {
  static let normalizations: [OpDefinition] = [
    batchNorm, layerNorm, layerNormGradient, rmsNorm, groupNorm, instanceNorm, weightNorm,
  ]

  /// Batch normalisation of `x` [N, C, ...] over all axes but the channels (Ioffe and Szegedy, 2015).
  ///
  /// In training, or always when `statistics` is `batch`, x is normalised by its own mean and biased variance, and the
  /// running statistics move: `new = (1 - momentum) * old + momentum * batch`, with the unbiased variance.
  package static let batchNorm: OpDefinition = OpDefinition(
    "batch_norm", family: .normalization, summary: "Batch normalisation over all axes but the channels.",
    operands: [
      .tensor("x"), .optional("weight"), .optional("bias"), .optional("running_mean"), .optional("running_var"),
    ],
    attributes: [
      AttributeSpec("statistics", .string(["mode", "batch", "running"]), default: .string("mode")),
      AttributeSpec("momentum", .float, default: .float(0.1)), AttributeSpec("eps", .float, default: .float(1e-5)),
    ], results: ["result", "running_mean", "running_var"],
    infer: { call in
      let x = try call.type(0)
      guard x.rank >= 2 else { throw call.problem("takes [N, C, ...], not \(x)") }
      for name in ["weight", "bias", "running_mean", "running_var"] { try call.require(name, of: [x.shape[1]]) }
      let statistics = TensorType(call.optionalType("running_mean")?.dtype ?? x.dtype, [x.shape[1]])
      return [x, statistics, statistics]
    },
    differentiability: .vjp { b, op, ct in try b.batchNormGradients(op, ct) },
    samples: [
      Sample(
        .normal(2, 3, 4, 2), .normal(3), .normal(3), .normal(3), .uniform(0.5, 2, 3),
        attributes: ["statistics": .string("running")]),
      Sample(.normal(4, 3), .normal(3), .normal(3), .normal(3), .uniform(0.5, 2, 3)),
    ],
    dependsOnMode: { ($0.attributes["statistics"] ?? .string("mode")) == .string("mode") })

  /// Normalisation over the `rank` trailing axes (Ba, Kiros and Hinton, 2016), by the biased variance.
  package static let layerNorm: OpDefinition = OpDefinition(
    "layer_norm", family: .normalization, summary: "Normalises the trailing axes, then scales and shifts.",
    operands: [.tensor("x"), .optional("weight"), .optional("bias")],
    attributes: [AttributeSpec("rank", .dim), AttributeSpec("eps", .float, default: .float(1e-5))],
    infer: { call in
      let x = try call.type(0)
      let shape = try call.trailingAxes(x).map { x.shape[$0] }
      for name in ["weight", "bias"] { try call.require(name, of: shape) }
      return [x]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil, nil] }
      let gradients = try b.apply(.layerNormGradient, [ct, op[0], op[1]], attributes: op.attributes)
      return zip(op.operands, gradients).map { $0.isAbsent ? nil : $1 }
    },
    decomposition: { b, op in
      let x = try op.type(0)
      let normalized = try b.standardize(op[0], axes: try op.trailingAxes(x), eps: try op.double("eps"))
      return [try b.scaleAndShift(normalized, op[1], op[2])]
    },
    samples: [
      Sample(.normal(2, 3, 8), .normal(8), .normal(8), attributes: ["rank": .int(1)]),
      Sample(.normal(2, 3, 8), .absent, .absent, attributes: ["rank": .int(2), "eps": .float(1e-3)]),
    ])

  /// The gradients of ``layerNorm`` with respect to x, weight and bias, from the cotangent of its result.
  ///
  /// With x̂, which is x normalised by the deviation σ, and g, the cotangent times the weight:
  ///
  ///     dx = (g - mean(g) - x̂ mean(g x̂)) / σ    dweight = Σ cotangent x̂    dbias = Σ cotangent
  package static let layerNormGradient: OpDefinition = OpDefinition(
    "layer_norm_gradient", family: .normalization, summary: "Gradients of layer normalisation.",
    operands: [.tensor("cotangent"), .tensor("x"), .optional("weight")],
    attributes: [AttributeSpec("rank", .dim), AttributeSpec("eps", .float, default: .float(1e-5))],
    results: ["dx", "dweight", "dbias"],
    infer: { call in
      let x = try call.type(1)
      let shape = try call.trailingAxes(x).map { x.shape[$0] }
      try call.require(call.type(0), is: x, "cotangent")
      try call.require("weight", of: shape)
      return [x, x.with(shape: shape), x.with(shape: shape)]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let x = try op.type(1)
      let axes = try op.trailingAxes(x)
      func mean(_ x: Term) throws -> Term {
        Term(b, try b(.mean, x.operand, attributes: ["axes": .ints(axes), "keepdims": .bool(true)]))
      }
      func total(_ x: Term) throws -> Operand {
        axes[0] == 0 ? x.operand : try b(.sum, x.operand, attributes: ["axes": .ints(Array(0..<axes[0]))])
      }
      let (ct, source) = (Term(b, op[0]), Term(b, op[1]))
      let centred = try source - mean(source)
      let inverse = try (mean(centred * centred) + Term(op.double("eps"))).applying(.rsqrt)
      let normalized = try centred * inverse
      let scaled = try op[2].isAbsent ? ct : ct * Term(b, op[2])
      let dx = try (scaled - mean(scaled) - normalized * mean(scaled * normalized)) * inverse
      return [dx.operand, try total(ct * normalized), try total(ct)]
    },
    samples: [
      Sample(.normal(2, 3, 8), .normal(2, 3, 8), .normal(8), attributes: ["rank": .int(1)]),
      Sample(.normal(2, 3, 8), .normal(2, 3, 8), .absent, attributes: ["rank": .int(2), "eps": .float(1e-3)]),
      Sample(.normal(3, 8), .normal(3, 8), .normal(3, 8), attributes: ["rank": .int(2)]),
    ])

  /// Division by the root of the mean square over the `rank` trailing axes (Zhang and Sennrich, 2019).
  package static let rmsNorm: OpDefinition = OpDefinition(
    "rms_norm", family: .normalization, summary: "Divides by the root mean square of the trailing axes, then scales.",
    operands: [.tensor("x"), .optional("weight")],
    attributes: [AttributeSpec("rank", .dim), AttributeSpec("eps", .float)],
    infer: { call in
      let x = try call.type(0)
      let shape = try call.trailingAxes(x).map { x.shape[$0] }
      try call.require("weight", of: shape)
      return [x]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let axes = try op.trailingAxes(try op.type(0))
      let square = try b(
        .mean, try b(.multiply, op[0], op[0]), attributes: ["axes": .ints(axes), "keepdims": .bool(true)])
      let scale = try b(.rsqrt, try b(.add, square, .float(try op.double("eps"))))
      return [try b.scaleAndShift(try b(.multiply, op[0], scale), op[1], .absent)]
    },
    samples: [Sample(.normal(2, 3, 8), .normal(8), attributes: ["rank": .int(1), "eps": .float(1e-6)])])

  /// Normalisation of `x` [N, C, ...] over the spatial axes and the channels of each of `groups` groups (Wu and He, 2018).
  package static let groupNorm: OpDefinition = OpDefinition(
    "group_norm", family: .normalization, summary: "Normalises each group of channels, then scales and shifts each.",
    operands: [.tensor("x"), .optional("weight"), .optional("bias")],
    attributes: [AttributeSpec("groups", .dim), AttributeSpec("eps", .float, default: .float(1e-5))],
    infer: { call in
      let x = try call.type(0)
      let groups = try call.int("groups")
      guard x.rank >= 2, groups > 0, x.shape[1].exactQuotient(by: Dim(groups)) != nil else {
        throw call.problem("\(x) does not divide into \(groups) groups of channels")
      }
      for name in ["weight", "bias"] { try call.require(name, of: [x.shape[1]]) }
      return [x]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let x = try op.type(0)
      let groups = Dim(try op.int("groups"))
      let size = x.shape.dropFirst().reduce(Dim(1), *).floorDivided(by: groups)
      let grouped = try b(.reshape, op[0], attributes: ["shape": .dims([x.shape[0], groups, size])])
      let normalized = try b.standardize(grouped, axes: [2], eps: try op.double("eps"))
      let back = try b(.reshape, normalized, attributes: ["shape": .dims(x.shape)])
      return [
        try b.scaleAndShift(back, try b.channelwise(op[1], rank: x.rank), try b.channelwise(op[2], rank: x.rank))
      ]
    },
    samples: [
      Sample(.normal(2, 6, 4, 3), .normal(6), .normal(6), attributes: ["groups": .int(3)]),
      Sample(.normal(2, 4), .absent, .absent, attributes: ["groups": .int(2)]),
    ])

  /// Normalisation of each channel of each example of `x` [N, C, ...] over the spatial axes (Ulyanov et al., 2016).
  package static let instanceNorm: OpDefinition = OpDefinition(
    "instance_norm", family: .normalization, summary: "Normalises each channel of each example over the spatial axes.",
    operands: [.tensor("x"), .optional("weight"), .optional("bias")],
    attributes: [AttributeSpec("eps", .float, default: .float(1e-5))],
    infer: { call in
      let x = try call.type(0)
      guard x.rank >= 3 else { throw call.problem("takes [N, C, ...], not \(x)") }
      for name in ["weight", "bias"] { try call.require(name, of: [x.shape[1]]) }
      return [x]
    },
    differentiability: .recomputed,
    decomposition: { b, op in
      let rank = try op.type(0).rank
      let normalized = try b.standardize(op[0], axes: Array(2..<rank), eps: try op.double("eps"))
      return [
        try b.scaleAndShift(normalized, try b.channelwise(op[1], rank: rank), try b.channelwise(op[2], rank: rank))
      ]
    }, samples: [Sample(.normal(2, 3, 5), .normal(3), .normal(3)), Sample(.normal(2, 3, 4, 4), .absent, .absent)])

  /// `direction` scaled so that each slice along `axis` (all of it, without one) has the norm `magnitude`
  /// (Salimans and Kingma, 2016).
  package static let weightNorm: OpDefinition = OpDefinition(
    "weight_norm", family: .normalization, summary: "A direction scaled to a magnitude along one axis.",
    operands: [.tensor("direction"), .tensor("magnitude")],
    attributes: [AttributeSpec("axis", .axis, default: Attribute.none)],
    infer: { [try $0.type(0)] },
    decomposition: { b, op in
      let rank = try op.type(0).rank
      let axis = try op.optional("axis")?.asInt
      let axes = (0..<rank).filter { $0 != axis }
      let square = try b(
        .sum, try b(.multiply, op[0], op[0]), attributes: ["axes": .ints(axes), "keepdims": .bool(true)])
      return [try b(.multiply, op[0], try b(.divide, op[1], try b(.sqrt, square)))]
    },
    samples: [
      Sample(.normal(3, 4, 2), .uniform(0.5, 2, 3, 1, 1), attributes: ["axis": .int(0)]),
      Sample(.normal(3, 4), .uniform(0.5, 2, 1, 1)),
    ])
}

extension OpCall {
  /// Whether x is normalised by statistics that are given.
  package var normalizesByGivenStatistics: Bool {
    get throws { try string("statistics") == "running" && !self[3].isAbsent && !self[4].isAbsent }
  }

  /// Checks the shape of an operand that may be absent, as far as it is known.
  fileprivate func require(_ name: String, of shape: [Dim]) throws {
    let type = optionalType(name)
    try require(type, is: TensorType(type?.dtype ?? .float32, shape), name)
  }

  /// The `rank` last axes of x.
  fileprivate func trailingAxes(_ x: TensorType) throws -> [Int] {
    let rank = try int("rank")
    guard rank >= 1, rank <= x.rank else { throw problem("cannot normalise \(rank) trailing axes of \(x)") }
    return Array(x.rank - rank..<x.rank)
  }
}

extension GraphBuilder {
  /// Batch normalisation by the batch's own statistics, which are differentiated like everything else: their computation, the
  /// normalisation by them as given ones, and the moved statistics.
  package func batchNormByBatch(_ op: OpCall) throws -> [Operand] {
    let x = try op.type(0)
    let axes: OrderedAttributes = ["axes": .ints(x.shape.indices.filter { $0 != 1 })]
    let count = x.shape.enumerated().reduce(Dim(1)) { $1.offset == 1 ? $0 : $0 * $1.element }
    let mean = try self(.mean, op[0], attributes: axes)
    let centred = try self(.subtract, op[0], try channelwise(mean, rank: x.rank))
    let variance = try self(.mean, try self(.multiply, centred, centred), attributes: axes)
    let result = try apply(
      .batchNorm, [op[0], op[1], op[2], mean, variance],
      attributes: ["statistics": .string("running"), "eps": try op.attribute("eps")])[0]
    let momentum = try op.double("momentum")
    func moved(_ old: Operand, _ new: Operand) throws -> Operand {
      if old.isAbsent { return new }
      let dtype = type(old).dtype
      let own = dtype == x.dtype ? new : try self(.cast, new, attributes: ["dtype": .dtype(dtype)])
      return try self(.add, old, try self(.multiply, try self(.subtract, own, old), .float(momentum)))
    }
    let (all, others) = (try size(count, dtype: x.dtype), try size(count - 1, dtype: x.dtype))
    let unbiased = try self(.divide, try self(.multiply, variance, all), others)
    return [result, try moved(op[3], mean), try moved(op[4], unbiased)]
  }

  /// The cotangents of batch normalisation by given statistics, which pass through it too.
  fileprivate func batchNormGradients(_ op: OpCall, _ cotangents: [Operand?]) throws -> [Operand?] {
    guard try op.normalizesByGivenStatistics else { throw op.problem("the batch's statistics have to be written out") }
    var (dMean, dVariance) = (cotangents[1], cotangents[2])
    guard let ct = cotangents[0] else { return [nil, nil, nil, dMean, dVariance] }
    let rank = try op.type(0).rank
    func total(_ x: Operand) throws -> Operand {
      try self(.sum, x, attributes: ["axes": .ints((0..<rank).filter { $0 != 1 })])
    }
    func added(_ a: Operand?, _ b: Operand) throws -> Operand { try a.map { try self(.add, $0, b) } ?? b }
    let inverse = Term(self, try self(.rsqrt, try self(.add, op[4], .float(op.double("eps")))))
    let scale = try op[1].isAbsent ? inverse : inverse * Term(self, op[1])
    let dx = try self(.multiply, ct, try channelwise(scale.operand, rank: rank))
    let sum = Term(self, try total(ct))
    let centred = try self(.subtract, op[0], try channelwise(op[3], rank: rank))
    let projected = Term(self, try total(self(.multiply, ct, centred)))
    dMean = try added(dMean, (-sum * scale).operand)
    dVariance = try added(dVariance, (projected * scale * inverse.squared * -0.5).operand)
    return [
      dx, op[1].isAbsent ? nil : try (projected * inverse).operand, op[2].isAbsent ? nil : sum.operand, dMean,
      dVariance,
    ]
  }

  /// x minus its mean over the axes, divided by the root of its biased variance plus eps.
  func standardize(_ x: Operand, axes: [Int], eps: Double) throws -> Operand {
    let kept: [Int] = axes
    let centered = try self(
      .subtract, x, try self(.mean, x, attributes: ["axes": .ints(kept), "keepdims": .bool(true)]))
    let variance = try self(
      .mean, try self(.multiply, centered, centered), attributes: ["axes": .ints(kept), "keepdims": .bool(true)])
    return try self(.multiply, centered, try self(.rsqrt, try self(.add, variance, .float(eps))))
  }

  /// `x * scale + shift`, of which either may be absent.
  func scaleAndShift(_ x: Operand, _ scale: Operand, _ shift: Operand) throws -> Operand {
    let scaled = scale.isAbsent ? x : try self(.multiply, x, scale)
    return shift.isAbsent ? scaled : try self(.add, scaled, shift)
  }

  /// A vector over the channels [C] as [C, 1, ...], to go with [N, C, ...] of the given rank.
  func channelwise(_ vector: Operand, rank: Int) throws -> Operand {
    guard vector.asValue != nil, rank > 2 else { return vector }
    let extents = [shape(vector)[0]] + Array(repeating: Dim(1), count: rank - 2)
    return try self(.reshape, vector, attributes: ["shape": .dims(extents)])
  }
}
