import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let embeddings: Rules = [
    "embedding": { context in
      let (weight, indices) = (context.operand("weight"), context.operand("indices"))
      guard let padding = try context.call.optional("padding_index")?.asDim else { return [weight[indices]] }
      return [context.helper("embedding").call(weight, indices, context.dim(padding))]
    },
    "embedding_bag": { context in
      let call = context.call
      let (bags, offsets) = (try call.dim("bags"), try call.type(2).shape.first)
      let starts = offsets == bags ? context.operand("offsets") : context.operand("offsets")[.slice(nil, -1)]
      var keywords: [(String, PythonExpression)] = []
      if !call["scale"].isAbsent { keywords.append(("scale", context.operand("scale"))) }
      if let padding = try call.optional("padding_index")?.asDim {
        keywords.append(("padding", context.dim(padding)))
      }
      let name = "embedding_bag_\(try call.string("mode"))"
      return [
        context.helper(name).call([context.operand("weight"), context.operand("indices"), starts], keywords: keywords)
      ]
    },
  ]
}
