import GraftIR
import GraftOps

extension LoweringRule {
  /// Special functions, and the few other elementwise ops whose block functions are in Swift.
  static let special: [LoweringRule] =
    functions.map { definition, name in
      LoweringRule(definition) { planner, call in [try planner.apply(name, call)] }
    } + [
      LoweringRule(.polygamma) { planner, call in
        let (shape, dtype) = try call.resultType(planner)
        let order = try call.int("order")
        guard order >= 0 else { throw planner.invalid("polygamma has no order \(order)") }
        let x = try planner.expression(call[0], as: dtype)
        let number = Expression(.scalar(.int(order)), dtype: dtype, shape: shape)
        return [Expression(.apply(.polygamma, [x, number]), dtype: dtype, shape: shape)]
      }
    ]

  private static let functions: [(OpDefinition, BlockOperator)] = [
    (.erfinv, .erfinv), (.lgamma, .lgamma), (.digamma, .digamma), (.gammainc, .gammainc), (.gammaincc, .gammaincc),
    (.zeta, .zeta), (.besselI0e, .besselI0e), (.besselI1e, .besselI1e), (.nextafter, .nextafter), (.gcd, .gcd),
    (.lcm, .lcm),
  ]
}
