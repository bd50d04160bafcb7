import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let embeddings: Rules = [
    "aten.embedding.default": { context in
      guard try !context.bool("scale_grad_by_freq") else {
        throw context.unsupported("`scale_grad_by_freq` is not supported")
      }
      let padding = context.argument("padding_idx").asDim ?? -1
      return [
        try context.op(
          .embedding, try context.tensor("weight"), try context.tensor("indices"),
          attributes: padding == -1 ? [:] : ["padding_index": .dim(padding)])
      ]
    },
    "aten.embedding_bag.padding_idx": embeddingBag, "aten.embedding_bag.default": embeddingBag,
    "aten._embedding_bag.default": embeddingBag,
  ]

  private static let embeddingBag: ImportVocabulary.Rule = { context in
    guard try !context.bool("scale_grad_by_freq") else {
      throw context.unsupported("`scale_grad_by_freq` is not supported")
    }
    if (1...3).contains(where: context.isUsed) { throw context.unsupported("only the first result is available") }
    let modes = ["sum", "mean", "max"]
    let mode = try context.int("mode")
    guard modes.indices.contains(mode) else { throw context.unsupported("the mode is not known") }
    let padding = context.argument("padding_idx").asDim ?? -1
    let count = try context.resultType().shape[0]
    let result = try context.builder.apply(
      .embeddingBag,
      [
        try context.tensor("weight"), try context.tensor("indices"), try context.tensor("offsets"),
        try context.operand("per_sample_weights"),
      ],
      attributes: [
        "bags": .dim(count), "mode": .string(modes[mode]),
        "padding_index": padding == -1 || context.argument("padding_idx").isNull ? .none : .dim(padding),
      ])
    return result + [.absent, .absent, .absent]
  }
}
