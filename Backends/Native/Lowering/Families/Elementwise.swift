import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops whose every element depends on the elements at the same place.
  static let elementwise: [LoweringRule] =
    unaries.map { definition, name in
      LoweringRule(definition) { planner, call in [try planner.apply(name, call)] }
    }
    + binaries.map { definition, name in
      LoweringRule(definition) { planner, call in [try planner.apply(name, call)] }
    } + [
      LoweringRule(.cast) { planner, call in
        let (_, dtype) = try call.resultType(planner)
        let x = try planner.expression(call[0], as: dtype)
        return [x.converted(to: dtype)]
      },
      LoweringRule(.where_) { planner, call in
        let (shape, dtype) = try call.resultType(planner)
        let condition = try planner.stretched(planner.expression(call[0], as: .bool), shape)
        let branches = try [call[1], call[2]].map { try planner.stretched(planner.expression($0, as: dtype), shape) }
        return [Expression(.apply(.where_, [condition] + branches), dtype: dtype, shape: shape)]
      },
      LoweringRule(.gelu) { planner, call in
        [try planner.apply(try call.bool("approximate") ? .geluTanh : .geluErf, call)]
      },
      LoweringRule(.geluDerivative) { planner, call in
        [try planner.apply(try call.bool("approximate") ? .geluTanhSlope : .geluErfSlope, call)]
      },
      LoweringRule(.clip) { planner, call in
        let (shape, dtype) = try call.resultType(planner)
        let x = try planner.stretched(planner.expression(call[0], as: dtype), shape)
        let bounds = try [call[1], call[2]].map {
          $0.isAbsent ? nil : try planner.stretched(planner.expression($0, as: dtype), shape)
        }
        return [x.limited(low: bounds[0], high: bounds[1])]
      },
      // Their definitions differ from a limit in the gradient alone.
      LoweringRule(.hardtanh) { planner, call in
        [try planner.limited(call, low: try call.double("low"), high: try call.double("high"))]
      },
      LoweringRule(.relu6) { planner, call in [try planner.limited(call, low: 0, high: 6)] },
    ]

  private static let unaries: [(OpDefinition, BlockOperator)] = [
    (.negative, .negative), (.abs, .abs), (.sign, .sign), (.exp, .exp), (.expm1, .expm1), (.log, .log),
    (.log1p, .log1p), (.log2, .log2), (.exp2, .exp2), (.sqrt, .sqrt), (.rsqrt, .rsqrt), (.reciprocal, .reciprocal),
    (.square, .square), (.tanh, .tanh), (.sigmoid, .sigmoid), (.relu, .relu), (.silu, .silu), (.erf, .erf),
    (.erfc, .erfc), (.sin, .sin), (.cos, .cos), (.tan, .tan), (.asin, .asin), (.acos, .acos), (.atan, .atan),
    (.sinh, .sinh), (.cosh, .cosh), (.asinh, .asinh), (.acosh, .acosh), (.atanh, .atanh), (.floor, .floor),
    (.ceil, .ceil), (.round, .round), (.trunc, .trunc), (.isNaN, .isNaN), (.isInfinite, .isInfinite),
    (.isFinite, .isFinite), (.signBit, .signBit), (.bitwiseNot, .bitwiseNot),
  ]

  private static let binaries: [(OpDefinition, BlockOperator)] = [
    (.add, .add), (.subtract, .subtract), (.multiply, .multiply), (.divide, .divide), (.power, .power),
    (.maximum, .maximum), (.minimum, .minimum), (.atan2, .atan2), (.floorDivide, .floorDivide),
    (.truncateDivide, .truncateDivide), (.remainder, .remainder), (.fmod, .fmod), (.bitwiseAnd, .bitwiseAnd),
    (.bitwiseOr, .bitwiseOr), (.bitwiseXor, .bitwiseXor), (.leftShift, .leftShift), (.rightShift, .rightShift),
    (.equal, .equal), (.notEqual, .notEqual), (.less, .less), (.lessEqual, .lessEqual), (.greater, .greater),
    (.greaterEqual, .greaterEqual),
  ]
}

extension Expression {
  /// `min(max(self, low), high)`; NaN stays NaN.
  fileprivate func limited(low: Expression?, high: Expression?) -> Expression {
    var result = self
    for (bound, name) in [(low, BlockOperator.maximum), (high, .minimum)] {
      guard let bound else { continue }
      result = Expression(.apply(name, [result, bound]), dtype: dtype, shape: shape)
    }
    return result
  }
}

extension Planner {
  /// The only operand of a call, between two bounds.
  fileprivate func limited(_ call: OpCall, low: Double, high: Double) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let bounds = [low, high].map { Expression(.scalar(.float($0)), dtype: dtype, shape: shape) }
    return try stretched(expression(call[0], as: dtype), shape).limited(low: bounds[0], high: bounds[1])
  }

  /// An operator over the operands of a call, which broadcast to its result.
  func apply(_ name: BlockOperator, _ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let tensor = call.operands.lazy.compactMap(\.asValue).first
    let operandType = tensor.map { function.type(of: $0).dtype } ?? dtype
    let operands = try call.operands.map { try stretched(expression($0, as: operandType), shape) }
    return Expression(.apply(name, operands), dtype: dtype, shape: shape)
  }

  /// The expression under a shape that it broadcasts to. What would be computed again and again is computed once.
  func stretched(_ expression: Expression, _ shape: [Int]) throws -> Expression {
    if case .scalar(let scalar) = expression.node {
      return Expression(.scalar(scalar), dtype: expression.dtype, shape: shape)
    }
    if expression.shape == shape { return expression }
    return Expression(try view(expression).broadcast(to: shape))
  }
}
