import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let normalizations: Rules = [
    "aten._native_batch_norm_legit_functional.default": batchNorm,
    "aten._native_batch_norm_legit_no_training.default": batchNorm,
    "aten._native_batch_norm_legit.no_stats": batchNorm,
    "aten.batch_norm.default": batchNorm,
    "aten.layer_norm.default": { context in
      [
        try context.op(
          .layerNorm, try context.tensor("input"), try context.operand("weight"), try context.operand("bias"),
          attributes: [
            "rank": .int(try context.dims("normalized_shape").count), "eps": .float(try context.double("eps")),
          ])
      ]
    },
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
}
