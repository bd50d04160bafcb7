import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let convolutions: Rules = [
    "aten.conv1d.default": conv, "aten.conv2d.default": conv, "aten.conv3d.default": conv,
    "aten.conv1d.padding": conv, "aten.conv2d.padding": conv, "aten.conv3d.padding": conv,
    "aten.conv_transpose1d.default": transposedConv, "aten.conv_transpose2d.input": transposedConv,
    "aten.conv_transpose3d.input": transposedConv,
    "aten.convolution.default": convolution, "aten._convolution.default": convolution,
  ]

  private static let convolution: ImportVocabulary.Rule = { context in
    try context.bool("transposed") ? transposedConv(context) : conv(context)
  }

  private static let conv: ImportVocabulary.Rule = { context in
    let weight = try context.tensor("weight")
    let rank = context.type(weight).rank - 2
    let dilation = try context.dims("dilation", rank: rank)
    let padding = try paddingPairs(context, kernel: Array(context.type(weight).shape.dropFirst(2)), dilation)
    return try batched(context, rank: rank) { x in
      try context.op(
        .conv, x, weight, try context.operand("bias"),
        attributes: [
          "stride": .dims(try context.dims("stride", rank: rank)), "padding": .dims(padding),
          "dilation": .dims(dilation), "groups": .dim(try context.dim("groups")),
        ])
    }
  }

  private static let transposedConv: ImportVocabulary.Rule = { context in
    let weight = try context.tensor("weight")
    let rank = context.type(weight).rank - 2
    return try batched(context, rank: rank) { x in
      try context.op(
        .convTranspose, x, weight, try context.operand("bias"),
        attributes: [
          "stride": .dims(try context.dims("stride", rank: rank)),
          "padding": .dims(try context.dims("padding", rank: rank)),
          "output_padding": .dims(try context.dims("output_padding", rank: rank)),
          "dilation": .dims(try context.dims("dilation", rank: rank)), "groups": .dim(try context.dim("groups")),
        ])
    }
  }

  /// Low and high padding of each axis; PyTorch's `same` puts the odd one at the high end.
  private static func paddingPairs(_ context: ImportContext, kernel: [Dim], _ dilation: [Dim]) throws -> [Dim] {
    switch context.argument("padding").asString {
    case "valid": return kernel.flatMap { _ in [Dim(0), Dim(0)] }
    case "same":
      return zip(kernel, dilation).flatMap { extent, step -> [Dim] in
        let total = step * (extent - 1)
        let low = total.floorDivided(by: 2)
        return [low, total - low]
      }
    case let word?: throw context.unsupported("the padding `\(word)` is not known")
    case nil: return try context.dims("padding", rank: kernel.count).flatMap { [$0, $0] }
    }
  }

  /// Applies an op of [N, C, ...] to the input, which may be a single example [C, ...].
  private static func batched(_ context: ImportContext, rank: Int, _ body: (Operand) throws -> Operand) throws
    -> [Operand]
  {
    let x = try context.tensor("input")
    let shape = context.type(x).shape
    if shape.count == rank + 2 { return [try body(x)] }
    let result = try body(try context.reshape(x, [1] + shape))
    return [try context.reshape(result, try context.resultType().shape)]
  }
}
