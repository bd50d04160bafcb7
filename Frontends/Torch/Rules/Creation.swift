import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let creation: Rules = [
    "aten.zeros.default": { try full(.int(0), $0) },
    "aten.ones.default": { try full(.int(1), $0) },
    "aten.full.default": { try full(nil, $0) },
    "aten.zeros_like.default": { try full(.int(0), $0) },
    "aten.ones_like.default": { try full(.int(1), $0) },
    "aten.full_like.default": { try full(nil, $0) },
    "aten.new_zeros.default": { try full(.int(0), $0) },
    "aten.new_ones.default": { try full(.int(1), $0) },
    "aten.new_full.default": { try full(nil, $0) },
    "aten.scalar_tensor.default": { context in
      guard let value = context.argument("s").asScalar else { throw context.unsupported("`s` must be a number") }
      return try full(value, context)
    },
  ]

  /// A tensor of the traced type filled with `value`, or with the argument `fill_value`.
  private static func full(_ value: Scalar?, _ context: ImportContext) throws -> [Operand] {
    let type = try context.resultType()
    guard let value = value ?? context.argument("fill_value").asScalar else {
      throw context.unsupported("`fill_value` must be a number")
    }
    return [
      try context.op(
        .full, attributes: ["shape": .dims(type.shape), "value": .scalar(value), "dtype": .dtype(type.dtype)])
    ]
  }
}
