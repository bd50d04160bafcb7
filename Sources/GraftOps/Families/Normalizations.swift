import GraftIR

extension OpDefinition {
  static let normalizations: [OpDefinition] = [batchNorm, layerNorm]

  /// Batch normalisation of `x` [N, C, ...] over all axes but the channels (Ioffe and Szegedy, 2015).
  ///
  /// In training, or always when `statistics` is `batch`, x is normalised by its own mean and biased variance, and the
  /// running statistics move: `new = (1 - momentum) * old + momentum * batch`, with the unbiased variance.
  package static let batchNorm: OpDefinition = OpDefinition(
    "batch_norm", family: .normalization, summary: "Batch normalisation over all axes but the channels.",
    operands: [
      .tensor("x"), .optional("weight"), .optional("bias"), .optional("running_mean"), .optional("running_var"),
    ],
    attributes: [
      AttributeSpec("statistics", .string(["mode", "batch", "running"]), default: .string("mode")),
      AttributeSpec("momentum", .float, default: .float(0.1)), AttributeSpec("eps", .float, default: .float(1e-5)),
    ], results: ["result", "running_mean", "running_var"],
    infer: { call in
      let x = try call.type(0)
      guard x.rank >= 2 else { throw call.problem("takes [N, C, ...], not \(x)") }
      let statistics = TensorType(call.optionalType("running_mean")?.dtype ?? x.dtype, [x.shape[1]])
      return [x, statistics, statistics]
    }, dependsOnMode: true)

  /// Normalisation over the trailing axes (Ba, Kiros and Hinton, 2016), by the biased variance.
  package static let layerNorm: OpDefinition = OpDefinition(
    "layer_norm", family: .normalization, summary: "Normalises the trailing axes, then scales and shifts.",
    operands: [.tensor("x"), .optional("weight"), .optional("bias")],
    attributes: [AttributeSpec("rank", .dim), AttributeSpec("eps", .float, default: .float(1e-5))],
    infer: { [try $0.type(0)] },
    samples: [Sample(.normal(2, 3, 8), .normal(8), .normal(8), attributes: ["rank": .int(1)])])
}
