import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let pooling: Rules = [
    "aten.max_pool1d.default": { try maxPool($0, rank: 1) },
    "aten.max_pool2d.default": { try maxPool($0, rank: 2) },
    "aten.max_pool3d.default": { try maxPool($0, rank: 3) },
    "aten.adaptive_avg_pool2d.default": { context in
      let size = try context.dims("output_size", rank: 2)
      let x = try context.tensor("self")
      guard size == [1, 1] else { throw context.unsupported("only an output size of 1 is supported") }
      let rank = context.type(x).rank
      return [try context.op(.mean, x, attributes: ["axes": .ints([rank - 2, rank - 1]), "keepdims": .bool(true)])]
    },
  ]

  private static func maxPool(_ context: ImportContext, rank: Int) throws -> [Operand] {
    let kernel = try context.dims("kernel_size", rank: rank)
    let stride = try context.dims("stride").isEmpty ? kernel : try context.dims("stride", rank: rank)
    let padding = try context.dims("padding", rank: rank)
    return [
      try context.op(
        .maxPool, try context.tensor("self"),
        attributes: [
          "kernel": .dims(kernel), "stride": .dims(stride), "padding": .dims(padding.flatMap { [$0, $0] }),
          "dilation": .dims(try context.dims("dilation", rank: rank)), "ceil": .bool(try context.bool("ceil_mode")),
        ])
    ]
  }
}
