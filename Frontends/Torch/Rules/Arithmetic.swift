import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let arithmetic: Rules = [
    "aten.add.Tensor": { try scaled(.add, $0) },
    "aten.add.Scalar": { try scaled(.add, $0) },
    "aten.sub.Tensor": { try scaled(.subtract, $0) },
    "aten.sub.Scalar": { try scaled(.subtract, $0) },
    "aten.mul.Tensor": { try scaled(.multiply, $0) },
    "aten.mul.Scalar": { try scaled(.multiply, $0) },
    "aten.clone.default": { [try $0.tensor("self")] },
    "aten.alias.default": { [try $0.tensor("self")] },
    "aten.lift_fresh_copy.default": { [try $0.tensor("self")] },
    "aten._to_copy.default": { [try $0.cast($0.tensor("self"), to: $0.resultType().dtype)] },
  ]

  /// `self + alpha * other` and its kin.
  private static func scaled(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let dtype = try context.resultType().dtype
    var (x, y) = (try context.operand("self"), try context.operand("other"))
    if x.asValue == nil, y.asValue == nil { x = try context.tensor(x, dtype: dtype) }
    (x, y) = (try context.cast(x, to: dtype), try context.cast(y, to: dtype))
    let alpha = context.argument("alpha")
    if !alpha.isNull, alpha.asDouble != 1, let scale = alpha.asScalar {
      y = try context.op(.multiply, try context.tensor(y, dtype: dtype), .scalar(scale))
    }
    return [try context.op(definition, x, y)]
  }
}
