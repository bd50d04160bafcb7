import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let elementwise: Rules = [
    "cast": { context in
      [context.operand("x").method("astype", context.dtype(try context.call.dtype("dtype")))]
    }
  ]
}
