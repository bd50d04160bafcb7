import GraftIR

extension OpDefinition {
  static let convolutions: [OpDefinition] = [conv, convTranspose]

  /// Cross-correlation of `x` [N, C, spatial...] with `weight` [O, C / groups, kernel...], plus `bias` [O].
  ///
  /// `padding` holds the low and high padding of each spatial axis, alternating; a negative one cuts off. `spread` is the
  /// distance that the elements of x are first moved apart to, with zeros between (by default 1: not at all).
  package static let conv: OpDefinition = OpDefinition(
    "conv", family: .convolution,
    summary: "Convolution of x [N, C, ...] with weight [O, C/groups, ...], plus bias [O].",
    operands: [.tensor("x"), .tensor("weight"), .optional("bias")],
    attributes: [
      AttributeSpec("stride", .dims), AttributeSpec("padding", .dims), AttributeSpec("dilation", .dims),
      AttributeSpec("groups", .dim, default: .int(1)), AttributeSpec("spread", .dims, default: .list([])),
    ],
    infer: { call in
      let (x, weight) = (try call.type(0), try call.type(1))
      let window = try ConvolutionWindow(call, rank: weight.rank - 2)
      guard x.rank == weight.rank, x.dtype == weight.dtype else {
        throw call.problem("types do not fit: \(x) and weight \(weight)")
      }
      guard x.shape[1] == weight.shape[1] * window.groups else {
        throw call.problem("channels do not fit: \(x) and weight \(weight)")
      }
      let spatial = window.stride.indices.map { axis in
        ShapeRule.window(
          window.spreadExtent(x.shape[axis + 2], axis), kernel: weight.shape[axis + 2], stride: window.stride[axis],
          padding: window.padding[axis], dilation: window.dilation[axis])
      }
      return [x.with(shape: [x.shape[0], weight.shape[0]] + spatial)]
    },
    differentiability: .vjp { b, op, ct in
      guard let ct = ct[0] else { return [nil, nil, nil] }
      let window = try ConvolutionWindow(op, rank: try op.type(1).rank - 2)
      let bias = op[2].isAbsent ? nil : try b(.sum, ct, attributes: ["axes": .ints(op.axesButChannels(ct, b))])
      return [
        try window.inputGradient(ct, x: op.type(0), weight: op[1], b),
        try window.weightGradient(ct, x: op[0], weight: op.type(1), b), bias,
      ]
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
      Sample(
        .normal(2, 4, 5), .normal(6, 2, 3), .absent,
        attributes: [
          "stride": .ints([1]), "padding": .ints([1, 2]), "dilation": .ints([1]), "groups": .int(2),
          "spread": .ints([2]),
        ]),
    ])

  /// The transpose of a convolution: `x` [N, C, spatial...], `weight` [C, O / groups, kernel...], `bias` [O].
  ///
  /// `padding` is that of the convolution it transposes; `output_padding` adds to the high end of the result.
  package static let convTranspose: OpDefinition = OpDefinition(
    "conv_transpose", family: .convolution,
    summary: "Transposed convolution of x [N, C, ...] with weight [C, O/groups, ...], plus bias [O].",
    operands: [.tensor("x"), .tensor("weight"), .optional("bias")],
    attributes: [
      AttributeSpec("stride", .dims), AttributeSpec("padding", .dims), AttributeSpec("output_padding", .dims),
      AttributeSpec("dilation", .dims), AttributeSpec("groups", .dim, default: .int(1)),
    ],
    infer: { call in
      let (x, weight) = (try call.type(0), try call.type(1))
      let rank = weight.rank - 2
      let (stride, dilation) = (try call.dims("stride"), try call.dims("dilation"))
      let (padding, extra) = (try call.dims("padding"), try call.dims("output_padding"))
      guard rank >= 1, x.rank == weight.rank, x.dtype == weight.dtype, x.shape[1] == weight.shape[0],
        [stride.count, dilation.count, padding.count, extra.count].allSatisfy({ $0 == rank })
      else { throw call.problem("types do not fit: \(x) and weight \(weight)") }
      let spatial = (0..<rank).map { axis -> Dim in
        let reach: Dim = dilation[axis] * (weight.shape[axis + 2] - 1)
        let spread: Dim = (x.shape[axis + 2] - 1) * stride[axis]
        let ends: Dim = extra[axis] + 1 - 2 * padding[axis]
        return spread + reach + ends
      }
      return [x.with(shape: [x.shape[0], weight.shape[1] * (try call.dim("groups"))] + spatial)]
    },
    decomposition: { b, op in
      let weight = try op.type(1)
      let (padding, dilation) = (try op.dims("padding"), try op.dims("dilation"))
      let (extra, groups) = (try op.dims("output_padding"), try op.dim("groups"))
      let pairs = padding.indices.flatMap { axis -> [Dim] in
        let low = dilation[axis] * (weight.shape[axis + 2] - 1) - padding[axis]
        return [low, low + extra[axis]]
      }
      let flipped = try b.exchangeChannels(op[1], groups: groups)
      let ones = Array(repeating: Dim(1), count: padding.count)
      return [
        try b(
          .conv, op[0], flipped, op[2],
          attributes: [
            "stride": .dims(ones), "padding": .dims(pairs), "dilation": .dims(dilation), "groups": .dim(groups),
            "spread": .dims(try op.dims("stride")),
          ])
      ]
    },
    samples: [
      Sample(
        .normal(2, 4, 5, 5), .normal(4, 3, 3, 3), .normal(3),
        attributes: [
          "stride": .ints([2, 2]), "padding": .ints([1, 1]), "output_padding": .ints([1, 0]),
          "dilation": .ints([1, 1]),
        ]),
      Sample(
        .normal(2, 4, 5), .normal(4, 3, 3), .absent,
        attributes: [
          "stride": .ints([1]), "padding": .ints([0]), "output_padding": .ints([0]), "dilation": .ints([2]),
          "groups": .int(2),
        ]),
    ])
}

/// The attributes of a convolution, per spatial axis.
private struct ConvolutionWindow {
  var stride: [Dim]
  var dilation: [Dim]
  var spread: [Dim]
  var padding: [(Dim, Dim)]
  var groups: Dim

  init(_ call: OpCall, rank: Int) throws {
    stride = try call.dims("stride")
    dilation = try call.dims("dilation")
    spread = try call.dims("spread")
    if spread.isEmpty { spread = Array(repeating: 1, count: max(rank, 0)) }
    groups = try call.dim("groups")
    let pairs = try call.dims("padding")
    guard rank >= 1, pairs.count == 2 * rank,
      [stride.count, dilation.count, spread.count].allSatisfy({ $0 == rank })
    else { throw call.problem("the attributes do not fit \(rank) spatial axes") }
    padding = (0..<rank).map { (pairs[2 * $0], pairs[2 * $0 + 1]) }
  }

  /// The extent of an axis after its elements were moved apart.
  func spreadExtent(_ extent: Dim, _ axis: Int) -> Dim { (extent - 1) * spread[axis] + 1 }

  private func attributes(
    stride: [Dim], padding: [Dim], dilation: [Dim], spread: [Dim], groups: Dim
  ) -> [(String, Attribute)] {
    [
      ("stride", .dims(stride)), ("padding", .dims(padding)), ("dilation", .dims(dilation)), ("groups", .dim(groups)),
      ("spread", .dims(spread)),
    ]
  }

  /// The cotangent moved apart by the stride, with the kernel mirrored and its channels exchanged.
  func inputGradient(_ ct: Operand, x: TensorType, weight: Operand, _ b: GraphBuilder) throws -> Operand {
    let (kernel, out) = (b.shape(weight), b.shape(ct))
    let pairs = stride.indices.flatMap { axis -> [Dim] in
      let reach = dilation[axis] * (kernel[axis + 2] - 1)
      let low = padding[axis].0
      let covered: Dim = (out[axis + 2] - 1) * stride[axis] + 1
      let high: Dim = spreadExtent(x.shape[axis + 2], axis) - covered + low
      return [reach - low, high]
    }
    let exchanged = try b.exchangeChannels(weight, groups: groups)
    return try b(
      .conv, ct, exchanged,
      attributes: .init(
        uniqueKeysWithValues: attributes(
          stride: spread, padding: pairs, dilation: dilation, spread: stride, groups: groups)))
  }

  /// x correlated with the cotangent, examples and channels exchanged.
  func weightGradient(_ ct: Operand, x: Operand, weight: TensorType, _ b: GraphBuilder) throws -> Operand {
    let (input, out) = (b.shape(x), b.shape(ct))
    let pairs = stride.indices.flatMap { axis -> [Dim] in
      let low = padding[axis].0
      let reach: Dim = (weight.shape[axis + 2] - 1) * dilation[axis]
      let covered: Dim = (out[axis + 2] - 1) * stride[axis] + 1
      let high: Dim = reach + covered - spreadExtent(input[axis + 2], axis) - low
      return [low, high]
    }
    // x [N, G * C, ...] as [C, G * N, ...], the cotangent [N, O, ...] as [O, N, ...].
    let (examples, channels) = (input[0], weight.shape[1])
    let spatial = Array(input.dropFirst(2))
    let spatialAxes = Array(3..<(3 + spatial.count))
    let grouped = try b(.reshape, x, attributes: ["shape": .dims([examples, groups, channels] + spatial)])
    let moved = try b(.transpose, grouped, attributes: ["permutation": .ints([2, 1, 0] + spatialAxes)])
    let exchanged = try b(.reshape, moved, attributes: ["shape": .dims([channels, groups * examples] + spatial)])
    let kernel = try b.exchangeLeading(ct)
    let gradient = try b(
      .conv, exchanged, kernel,
      attributes: .init(
        uniqueKeysWithValues: attributes(
          stride: dilation, padding: pairs, dilation: stride, spread: spread, groups: groups)))
    return try b.exchangeLeading(gradient)
  }
}

extension OpCall {
  fileprivate func axesButChannels(_ x: Operand, _ b: GraphBuilder) -> [Int] {
    b.shape(x).indices.filter { $0 != 1 }
  }
}

extension GraphBuilder {
  /// The first two axes exchanged.
  fileprivate func exchangeLeading(_ x: Operand) throws -> Operand {
    let rank = shape(x).count
    return try self(.transpose, x, attributes: ["permutation": .ints([1, 0] + Array(2..<rank))])
  }

  /// A kernel [G * A, B, ...] mirrored along its spatial axes, as [G * B, A, ...].
  fileprivate func exchangeChannels(_ weight: Operand, groups: Dim) throws -> Operand {
    let extents = shape(weight)
    let spatial = Array(extents.dropFirst(2))
    let mirrored = try self(
      .flip, weight, attributes: ["axes": .ints(Array(2..<extents.count))])
    if groups == 1 { return try exchangeLeading(mirrored) }
    let inner = extents[0].floorDivided(by: groups)
    let grouped = try self(.reshape, mirrored, attributes: ["shape": .dims([groups, inner, extents[1]] + spatial)])
    let axes = [0, 2, 1] + Array(3..<(3 + spatial.count))
    let moved = try self(.transpose, grouped, attributes: ["permutation": .ints(axes)])
    return try self(.reshape, moved, attributes: ["shape": .dims([groups * extents[1], inner] + spatial)])
  }
}
