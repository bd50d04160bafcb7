import GraftIR
import GraftOps
import GraftTrace

extension TorchVocabulary {
  static let attention: Rules = [
    "aten.scaled_dot_product_attention.default": { context in
      let query = try context.tensor("query")
      var mask = try context.operand("attn_mask")
      if mask.asValue != nil, context.type(mask).dtype != .bool {
        mask = try context.cast(mask, to: context.type(query).dtype)
      }
      let rate = try context.double("dropout_p")
      let scale = context.argument("scale").asDouble
      return [
        try context.op(
          .scaledDotProductAttention, query, try context.tensor("key"), try context.tensor("value"), mask,
          rate == 0 ? .absent : context.drawKey(),
          attributes: [
            "scale": scale.map { .float($0) } ?? .none, "causal": .bool(try context.bool("is_causal")),
            "dropout_rate": .float(rate),
          ])
      ]
    }
  ]
}
