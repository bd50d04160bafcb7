import GraftEmit
import GraftSyntax

extension JAXRules {
  static let rotary: Rules = [
    "rotary_embedding": { context in
      let operands = ["x", "cos", "sin"].map { context.operand($0) }
      return [context.helper("rotary_embedding").call(operands)]
    }
  ]
}
