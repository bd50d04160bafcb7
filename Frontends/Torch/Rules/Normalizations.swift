import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let normalizations: Rules = [
    "aten._native_batch_norm_legit_functional.default": batchNorm,
    "aten._native_batch_norm_legit.default": batchNorm,
    "aten._native_batch_norm_legit_no_training.default": batchNorm,
    "aten._native_batch_norm_legit.no_stats": batchNorm,
    "aten.native_batch_norm.default": batchNorm,
    "aten.batch_norm.default": batchNorm,
    "aten.layer_norm.default": layerNorm,
    "aten.native_layer_norm.default": layerNorm,
    "aten.group_norm.default": { context in
      try groupNorm(context, groups: "num_groups", context.tensor("input"))
    },
    "aten.native_group_norm.default": { context in
      try groupNorm(context, groups: "group", context.tensor("input")) + [.absent, .absent]
    },
    "aten.rms_norm.default": rmsNorm,
    "aten._fused_rms_norm.default": { context in try rmsNorm(context) + [.absent] },
    "aten.instance_norm.default": instanceNorm,
    "aten._weight_norm.default": { try weightNorm($0) },
    "aten._weight_norm_interface.default": { try weightNorm($0) + [.absent] },
  ]

  /// Results as the trace numbers them: the output, the saved mean and inverse deviation that only PyTorch's own
  /// backward pass reads, and the new running statistics.
  private static let batchNorm: ImportVocabulary.Rule = { context in
    let (mean, variance) = (try context.operand("running_mean"), try context.operand("running_var"))
    let training = context.node.op.contains("no_training") ? false : context.argument("training").asBool ?? true
    let statistics = mean.isAbsent ? "batch" : training ? "mode" : "running"
    let results = try context.builder.apply(
      .batchNorm,
      [
        try context.tensor("input"), try context.operand("weight"), try context.operand("bias"), mean, variance,
      ],
      attributes: [
        "statistics": .string(statistics), "momentum": .float(context.argument("momentum").asDouble ?? 0.1),
        "eps": .float(try context.double("eps")),
      ])
    return [results[0], .absent, .absent, results[1], results[2]]
  }

  private static let layerNorm: ImportVocabulary.Rule = { context in
    let result = try context.op(
      .layerNorm, try context.tensor("input"), try context.operand("weight"), try context.operand("bias"),
      attributes: ["rank": .int(try context.dims("normalized_shape").count), "eps": .float(try context.double("eps"))])
    return context.node.results.count > 1 ? [result, .absent, .absent] : [result]
  }

  private static func groupNorm(_ context: ImportContext, groups: String, _ x: Operand) throws -> [Operand] {
    [
      try context.op(
        .groupNorm, x, try context.operand("weight"), try context.operand("bias"),
        attributes: ["groups": .dim(try context.dim(groups)), "eps": .float(try context.double("eps"))])
    ]
  }

  /// Without `eps`, that of the type in which the norm is computed.
  private static let rmsNorm: ImportVocabulary.Rule = { context in
    let x = try context.tensor("input")
    let standard = context.type(x).dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
    let eps = context.argument("eps").asDouble ?? standard
    return [
      try context.op(
        .rmsNorm, x, try context.operand("weight"),
        attributes: ["rank": .int(try context.dims("normalized_shape").count), "eps": .float(eps)])
    ]
  }

  /// With the running statistics instead of an example's own, this is batch normalisation in inference.
  private static let instanceNorm: ImportVocabulary.Rule = { context in
    let operands = [try context.tensor("input"), try context.operand("weight"), try context.operand("bias")]
    let eps = Attribute.float(try context.double("eps"))
    if try context.bool("use_input_stats") {
      return try context.builder.apply(.instanceNorm, operands, attributes: ["eps": eps])
    }
    let statistics = [try context.operand("running_mean"), try context.operand("running_var")]
    let results = try context.builder.apply(
      .batchNorm, operands + statistics, attributes: ["statistics": .string("running"), "eps": eps])
    return [results[0]]
  }

  private static func weightNorm(_ context: ImportContext) throws -> [Operand] {
    let direction = try context.tensor("v")
    let axis = try context.int("dim")
    return [
      try context.op(
        .weightNorm, direction, try context.tensor("g"),
        attributes: axis == -1
          ? [:] : ["axis": .int(try context.normalized(axis: axis, rank: context.type(direction).rank))])
    ]
  }
}
