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
    }
  ]
}
