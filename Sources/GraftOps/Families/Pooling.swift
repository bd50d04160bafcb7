import GraftIR

extension OpDefinition {
  static let pooling: [OpDefinition] = [maxPool]

  /// The maximum in each window of the spatial axes of `x` [N, C, spatial...]; padding counts as minus infinity.
  package static let maxPool: OpDefinition = OpDefinition(
    "max_pool", family: .pooling, summary: "Maximum in each window of the spatial axes.", operands: [.tensor("x")],
    attributes: [
      AttributeSpec("kernel", .dims), AttributeSpec("stride", .dims), AttributeSpec("padding", .dims),
      AttributeSpec("dilation", .dims), AttributeSpec("ceil", .bool, default: .bool(false)),
    ],
    infer: { call in
      let x = try call.type(0)
      let kernel = try call.dims("kernel")
      let (stride, dilation) = (try call.dims("stride"), try call.dims("dilation"))
      let padding = try call.dims("padding")
      let rank = kernel.count
      guard x.rank > rank, stride.count == rank, dilation.count == rank, padding.count == 2 * rank else {
        throw call.problem("ranks do not fit \(x)")
      }
      let ceil = try call.bool("ceil")
      let leading = x.rank - rank
      let spatial = (0..<rank).map { axis in
        ShapeRule.window(
          x.shape[axis + leading], kernel: kernel[axis], stride: stride[axis],
          padding: (padding[2 * axis], padding[2 * axis + 1]), dilation: dilation[axis], ceil: ceil)
      }
      return [x.with(shape: x.shape.prefix(leading) + spatial)]
    },
    samples: [
      Sample(
        .normal(2, 3, 8, 8),
        attributes: [
          "kernel": .ints([3, 3]), "stride": .ints([2, 2]), "padding": .ints([1, 1, 1, 1]), "dilation": .ints([1, 1]),
        ])
    ])
}
