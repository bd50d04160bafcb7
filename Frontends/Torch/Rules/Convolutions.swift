import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let convolutions: Rules = [
    "aten.conv1d.default": conv, "aten.conv2d.default": conv, "aten.conv3d.default": conv,
  ]

  private static let conv: ImportVocabulary.Rule = { context in
    let weight = try context.tensor("weight")
    let rank = context.type(weight).rank - 2
    let padding = try context.dims("padding", rank: rank)
    return [
      try context.op(
        .conv, try context.tensor("input"), weight, try context.operand("bias"),
        attributes: [
          "stride": .dims(try context.dims("stride", rank: rank)), "padding": .dims(padding.flatMap { [$0, $0] }),
          "dilation": .dims(try context.dims("dilation", rank: rank)), "groups": .dim(try context.dim("groups")),
        ])
    ]
  }
}
