import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let arithmetic: Rules = [
    "aten.add.Tensor": { try scaled(.add, $0) },
    "aten.add.Scalar": { try scaled(.add, $0) },
    "aten.sub.Tensor": { try scaled(.subtract, $0) },
    "aten.sub.Scalar": { try scaled(.subtract, $0) },
    "aten.subtract.Tensor": { try scaled(.subtract, $0) },
    "aten.subtract.Scalar": { try scaled(.subtract, $0) },
    "aten.rsub.Tensor": { try scaled(.subtract, $0, reversed: true) },
    "aten.rsub.Scalar": { try scaled(.subtract, $0, reversed: true) },
    "aten.mul.Tensor": { try scaled(.multiply, $0) },
    "aten.mul.Scalar": { try scaled(.multiply, $0) },
    "aten.multiply.Tensor": { try scaled(.multiply, $0) },
    "aten.multiply.Scalar": { try scaled(.multiply, $0) },
    "aten.div.Tensor_mode": divide, "aten.div.Scalar_mode": divide,
    "aten.divide.Tensor_mode": divide, "aten.divide.Scalar_mode": divide,
    "aten.clone.default": { [try $0.tensor("self")] },
    "aten.alias.default": { [try $0.tensor("self")] },
    "aten.positive.default": { [try $0.tensor("self")] },
    "aten.resolve_conj.default": { [try $0.tensor("self")] },
    "aten.resolve_neg.default": { [try $0.tensor("self")] },
    "aten.lift_fresh_copy.default": { [try $0.tensor("self")] },
    "aten._to_copy.default": converted, "aten.to.dtype": converted, "aten.to.dtype_layout": converted,
    "aten.to.device": converted, "aten.to.other": converted, "aten.type_as.default": converted,
    "aten._neg_view.default": { [try $0.op(.negative, try $0.tensor("self"))] },
    "aten.deg2rad.default": { try rescaled($0, by: 0.017453292519943295) },
    "aten.rad2deg.default": { try rescaled($0, by: 57.29577951308232) },
    "aten.lerp.Scalar": interpolated, "aten.lerp.Tensor": interpolated,
    "aten.addcmul.default": { try accumulated(.multiply, $0) },
    "aten.addcdiv.default": { try accumulated(.divide, $0) },
    "aten.logical_not.default": { context in
      [try context.op(.bitwiseNot, try context.cast(try context.tensor("self"), to: .bool))]
    },
    "aten.logical_and.default": { try logical(.bitwiseAnd, $0) },
    "aten.logical_or.default": { try logical(.bitwiseOr, $0) },
    "aten.logical_xor.default": { try logical(.bitwiseXor, $0) },
    "aten.where.self": selected, "aten.where.ScalarOther": selected, "aten.where.ScalarSelf": selected,
    "aten.where.Scalar": selected,
    "aten.masked_fill.Scalar": { try select($0, "mask", "value", "self") },
    "aten.masked_fill.Tensor": { try select($0, "mask", "value", "self") },
  ]

  /// `self + alpha * other` and its kin.
  private static func scaled(
    _ definition: OpDefinition, _ context: ImportContext, reversed: Bool = false
  ) throws -> [Operand] {
    let dtype = try context.resultType().dtype
    var (x, y) = (try context.operand("self"), try context.operand("other"))
    let alpha = context.argument("alpha")
    if !alpha.isNull, alpha.asDouble != 1, let scale = alpha.asScalar {
      if reversed {
        x = try context.op(.multiply, try context.tensor(x, dtype: dtype), .scalar(scale))
      } else {
        y = try context.op(.multiply, try context.tensor(y, dtype: dtype), .scalar(scale))
      }
    }
    if x.asValue == nil, y.asValue == nil { x = try context.tensor(x, dtype: dtype) }
    (x, y) = (try context.cast(x, to: dtype), try context.cast(y, to: dtype))
    if dtype == .bool { return [try context.op(definition.name == "multiply" ? .bitwiseAnd : .bitwiseOr, x, y)] }
    return [reversed ? try context.op(definition, y, x) : try context.op(definition, x, y)]
  }

  /// Division that rounds as `rounding_mode` says.
  private static let divide: ImportVocabulary.Rule = { context in
    let dtype = try context.resultType().dtype
    let x = try context.cast(try context.operand("self"), to: dtype)
    let y = try context.cast(try context.operand("other"), to: dtype)
    switch context.argument("rounding_mode").asString {
    case "floor": return [try context.op(.floorDivide, x, y)]
    case "trunc": return [try context.op(.truncateDivide, x, y)]
    default: return [try context.op(.divide, x, y)]
    }
  }

  /// A copy whose element type is the traced one.
  private static let converted: ImportVocabulary.Rule = { context in
    [try context.cast(context.tensor("self"), to: context.resultType().dtype)]
  }

  private static func rescaled(_ context: ImportContext, by factor: Double) throws -> [Operand] {
    let x = try context.cast(try context.tensor("self"), to: try context.resultType().dtype)
    return [try context.op(.multiply, x, .float(factor))]
  }

  /// `self + weight * (end - self)`.
  private static let interpolated: ImportVocabulary.Rule = { context in
    let (start, weight) = (try context.tensor("self"), try context.operand("weight"))
    let span = try context.op(.subtract, try context.tensor("end"), start)
    return [try context.op(.add, start, try context.op(.multiply, weight, span))]
  }

  /// `self + value * tensor1 * tensor2`, or with a quotient.
  private static func accumulated(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let dtype = try context.resultType().dtype
    let x = try context.cast(try context.tensor("self"), to: dtype)
    var first = try context.cast(try context.tensor("tensor1"), to: dtype)
    let second = try context.cast(try context.tensor("tensor2"), to: dtype)
    if let value = context.argument("value").asScalar, value.asDouble != 1 {
      first = try context.op(.multiply, .scalar(value), first)
    }
    return [try context.op(.add, x, try context.op(definition, first, second))]
  }

  /// A connective of truth values: everything but zero is true.
  private static func logical(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let x = try context.cast(try context.tensor("self"), to: .bool)
    return [try context.op(definition, x, try context.cast(try context.tensor("other"), to: .bool))]
  }

  private static let selected: ImportVocabulary.Rule = { try select($0, "condition", "self", "other") }

  /// `where(condition, x, y)` with the named arguments.
  private static func select(
    _ context: ImportContext, _ condition: String, _ x: String, _ y: String
  ) throws -> [Operand] {
    let dtype = try context.resultType().dtype
    let mask = try context.cast(try context.tensor(condition), to: .bool)
    var first = try context.cast(try context.operand(x), to: dtype)
    let second = try context.cast(try context.operand(y), to: dtype)
    if first.asValue == nil, second.asValue == nil { first = try context.tensor(first, dtype: dtype) }
    return [try context.op(.where_, mask, first, second)]
  }
}
