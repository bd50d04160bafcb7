import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let reductions: Rules = [
    "aten.sum.default": { try reduce(.sum, $0) },
    "aten.sum.dim_IntList": { try reduce(.sum, $0) },
    "aten.mean.default": { try reduce(.mean, $0) },
    "aten.mean.dim": { try reduce(.mean, $0) },
  ]

  /// A reduction that computes in its result's element type.
  static func reduce(_ definition: OpDefinition, _ context: ImportContext) throws -> [Operand] {
    let x = try context.cast(try context.tensor("self"), to: try context.resultType().dtype)
    let axes = try context.axes("dim", rank: context.type(x).rank)
    return [
      try context.op(
        definition, x, attributes: ["axes": .ints(axes), "keepdims": .bool(try context.bool("keepdim"))])
    ]
  }
}
