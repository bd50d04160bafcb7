import GraftIR

/// Makers of the definitions that differ only in name, summary and spelling.
extension OpDefinition {
  /// An elementwise op of one operand `x`; the result has x's type.
  static func unary(
    _ name: String, _ summary: String, family: Family = .elementwise, accepts: DTypeSet = .inexact,
    promotion: Promotion = .floating, differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil, spellings: [Spelling], samples: [Sample] = [Sample(.normal(3, 4))]
  ) -> OpDefinition {
    OpDefinition(
      name, family: family, summary: summary, operands: [.tensor("x")], promotion: promotion,
      infer: { call in
        let type = try call.type(0)
        try call.require(type, accepts)
        return [type]
      }, differentiability: differentiability, decomposition: decomposition, spellings: spellings, samples: samples)
  }

  /// An elementwise test of one operand `x`; the result is boolean.
  static func predicate(
    _ name: String, _ summary: String, accepts: DTypeSet = .any, spellings: [Spelling],
    samples: [Sample] = [Sample(.normal(3, 4))]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .comparison, summary: summary, operands: [.tensor("x")],
      infer: { call in
        let type = try call.type(0)
        try call.require(type, accepts)
        return [type.with(dtype: .bool)]
      }, differentiability: .none("yields booleans"), spellings: spellings, samples: samples)
  }

  /// An elementwise op of `x` and `y`, which broadcast; either may be a number.
  static func binary(
    _ name: String, _ summary: String, family: Family = .elementwise, accepts: DTypeSet = .numeric,
    promotion: Promotion = .common, differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil, spellings: [Spelling],
    samples: [Sample] = [Sample(.normal(3, 4), .normal(3, 4)), Sample(.normal(3, 1), .normal(4))]
  ) -> OpDefinition {
    OpDefinition(
      name, family: family, summary: summary, operands: [.tensorOrScalar("x"), .tensorOrScalar("y")],
      promotion: promotion,
      infer: { call in
        let type = try call.elementwiseType()
        try call.require(type, accepts)
        return [type]
      }, differentiability: differentiability, decomposition: decomposition, spellings: spellings, samples: samples)
  }

  /// An elementwise comparison of `x` and `y`, which broadcast; the result is boolean.
  static func comparison(
    _ name: String, _ summary: String, accepts: DTypeSet = [.bool, .integer, .floating], spellings: [Spelling],
    samples: [Sample] = [
      Sample(.integers(0, 3, 3, 4), .integers(0, 3, 4)), Sample(.normal(5), .scalar(.float(0.25))),
    ]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .comparison, summary: summary, operands: [.tensorOrScalar("x"), .tensorOrScalar("y")],
      promotion: .common,
      infer: { call in
        let type = try call.elementwiseType()
        try call.require(type, accepts)
        return [type.with(dtype: .bool)]
      }, differentiability: .none("yields booleans"), spellings: spellings, samples: samples)
  }

  /// A reduction of `x` over `axes`; `result` is the element type of the result, x's own by default.
  static func reduction(
    _ name: String, _ summary: String, accepts: DTypeSet = .numeric, promotion: Promotion = .none,
    attributes: [AttributeSpec] = [], result: (@Sendable (DType) -> DType)? = nil,
    differentiability: Differentiability? = nil,
    decomposition: Decomposition? = nil, spellings: [Spelling],
    samples: [Sample] = [
      Sample(.normal(3, 4, 5), attributes: ["axes": .ints([1])]),
      Sample(.normal(3, 4), attributes: ["axes": .ints([0, 1]), "keepdims": .bool(true)]),
    ]
  ) -> OpDefinition {
    OpDefinition(
      name, family: .reduction, summary: summary, operands: [.tensor("x")],
      attributes: [AttributeSpec("axes", .axes), AttributeSpec("keepdims", .bool, default: .bool(false))] + attributes,
      promotion: promotion,
      infer: { call in
        let type = try call.type(0)
        try call.require(type, accepts)
        let axes = try call.axes("axes", rank: type.rank)
        let shape = ShapeRule.reduced(type.shape, axes: axes, keepdims: try call.bool("keepdims"))
        return [TensorType(result?(type.dtype) ?? type.dtype, shape)]
      }, differentiability: differentiability, decomposition: decomposition, spellings: spellings, samples: samples)
  }
}
