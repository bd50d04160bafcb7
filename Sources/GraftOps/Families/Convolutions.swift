import GraftIR

extension OpDefinition {
  static let convolutions: [OpDefinition] = [conv]

  /// Cross-correlation of `x` [N, C, spatial...] with `weight` [O, C / groups, kernel...], plus `bias` [O].
  package static let conv: OpDefinition = OpDefinition(
    "conv", family: .convolution,
    summary: "Convolution of x [N, C, ...] with weight [O, C/groups, ...], plus bias [O].",
    operands: [.tensor("x"), .tensor("weight"), .optional("bias")],
    attributes: [
      AttributeSpec("stride", .dims), AttributeSpec("padding", .dims), AttributeSpec("dilation", .dims),
      AttributeSpec("groups", .dim, default: .int(1)),
    ],
    infer: { call in
      let (x, weight) = (try call.type(0), try call.type(1))
      let rank = weight.rank - 2
      let (stride, dilation) = (try call.dims("stride"), try call.dims("dilation"))
      // Low and high padding of each spatial axis, alternating.
      let padding = try call.dims("padding")
      guard rank >= 1, x.rank == weight.rank, stride.count == rank, dilation.count == rank, padding.count == 2 * rank
      else { throw call.problem("ranks do not fit: \(x) and weight \(weight)") }
      guard x.shape[1] == weight.shape[1] * (try call.dim("groups")) else {
        throw call.problem("channels do not fit: \(x) and weight \(weight)")
      }
      let spatial = (0..<rank).map { axis in
        ShapeRule.window(
          x.shape[axis + 2], kernel: weight.shape[axis + 2], stride: stride[axis],
          padding: (padding[2 * axis], padding[2 * axis + 1]), dilation: dilation[axis])
      }
      return [x.with(shape: [x.shape[0], weight.shape[0]] + spatial)]
    },
    samples: [
      Sample(
        .normal(2, 4, 8, 8), .normal(6, 4, 3, 3), .normal(6),
        attributes: ["stride": .ints([2, 2]), "padding": .ints([1, 1, 1, 1]), "dilation": .ints([1, 1])]),
      Sample(
        .normal(2, 4, 9), .normal(4, 1, 3), .absent,
        attributes: [
          "stride": .ints([1]), "padding": .ints([2, 0]), "dilation": .ints([2]), "groups": .int(4),
        ]),
    ])
}
