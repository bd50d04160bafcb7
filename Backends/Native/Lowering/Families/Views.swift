import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops that only look at elements in another way.
  static let views: [LoweringRule] = [
    LoweringRule(.reshape) { planner, call in
      let (shape, _) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: .float32)
      return [try planner.reshaped(x, shape)]
    },
    LoweringRule(.transpose) { planner, call in
      let permutation = try call.ints("permutation")
      return [try planner.looking(call) { $0.transposed(permutation) }]
    },
    LoweringRule(.broadcastTo) { planner, call in
      let (shape, _) = try call.resultType(planner)
      return [try planner.looking(call) { $0.broadcast(to: shape) }]
    },
    LoweringRule(.slice) { planner, call in
      let (starts, stops, steps) = (try call.ints("starts"), try call.ints("stops"), try call.ints("steps"))
      return [try planner.looking(call) { $0.sliced(starts: starts, stops: stops, steps: steps) }]
    },
    LoweringRule(.flip) { planner, call in
      let axes = try call.ints("axes")
      return [try planner.looking(call) { $0.flipped(axes) }]
    },
    LoweringRule(.stopGradient) { planner, call in [try planner.expression(call[0], as: .float32)] },
  ]
}

extension Planner {
  /// The first operand's memory, seen in another way.
  fileprivate func looking(_ call: OpCall, _ change: (View) -> View) throws -> Expression {
    Expression(change(try view(expression(call[0], as: .float32))))
  }

  /// The elements in row-major order under another shape: the same memory where that can be said.
  func reshaped(_ x: Expression, _ shape: [Int]) throws -> Expression {
    if x.shape == shape { return x }
    let view = try view(x)
    if let reshaped = view.reshaped(shape) { return Expression(reshaped) }
    let copy = try rowMajorView(Expression(view))
    return Expression(copy.reshaped(shape) ?? copy)
  }
}
