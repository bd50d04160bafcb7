import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let embeddings: Rules = [
    "embedding": { context in
      let (weight, indices) = (context.operand("weight"), context.operand("indices"))
      guard let padding = try context.call.optional("padding_index")?.asDim else { return [weight[indices]] }
      return [context.helper("embedding").call(weight, indices, context.dim(padding))]
    }
  ]
}
