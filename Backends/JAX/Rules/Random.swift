import GraftEmit
import GraftOps
import GraftSyntax

extension JAXRules {
  static let random: Rules = [
    "split_key": { context in
      let count = PythonExpression.integer(try context.call.int("count"))
      let split = context.reference("jax.random.split").call("rng", count)
      let none = PythonExpression.list([.none]) * count
      let keys = context.assign(
        "keys", none.conditional(if: .comparison("rng", [PythonComparison(.is, .none)]), else: split))
      return context.call.results.indices.map { keys[.integer($0)] }
    },
    "dropout": { context in
      let rate = try context.call.double("rate")
      return [context.helper("dropout").call(context.operand("x"), context.operand("key"), .float(rate))]
    },
  ]
}
