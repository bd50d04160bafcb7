import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let sorting: Rules = [
    "top_k": { context in
      let rank = try context.call.type(0).rank
      let axis = try context.call.int("axis")
      let keywords: [(String, PythonExpression)] = axis == rank - 1 ? [] : [("axis", .integer(axis))]
      return context.unpack(
        context.reference("jax.lax.top_k").call(
          [context.operand("x"), try context.attribute("k")], keywords: keywords))
    },
    "most_frequent": { context in
      let axis = context.axis(try context.call.int("axis"), rank: try context.call.type(0).rank)
      var keywords: [(String, PythonExpression)] = [("axis", axis)]
      if try context.call.bool("keepdims") { keywords.append(("keepdims", .boolean(true))) }
      return context.unpack(context.helper("most_frequent").call([context.operand("x")], keywords: keywords))
    },
  ]
}
