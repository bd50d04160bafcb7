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
      guard permutation.sorted() == Array(try call.type(0).shape.indices) else {
        throw planner.invalid("\(permutation) is no order of the axes of \(try call.type(0))")
      }
      return [try planner.looking(call) { $0.transposed(permutation) }]
    },
    LoweringRule(.broadcastTo) { planner, call in
      let (shape, _) = try call.resultType(planner)
      return [try planner.looking(call) { $0.broadcast(to: shape) }]
    },
    LoweringRule(.slice) { planner, call in
      let (starts, stops, steps) = try planner.ranges(call)
      return [try planner.looking(call) { $0.sliced(starts: starts, stops: stops, steps: steps) }]
    },
    LoweringRule(.flip) { planner, call in
      let axes = try call.axes("axes", rank: call.type(0).rank)
      return [try planner.looking(call) { $0.flipped(axes) }]
    },
    LoweringRule(.barrier) { planner, call in [try planner.expression(call[0], as: .float32)] },
    LoweringRule(.stopGradient) { planner, call in [try planner.expression(call[0], as: .float32)] },
  ]
}

extension Planner {
  /// The first operand's memory, seen in another way.
  fileprivate func looking(_ call: OpCall, _ change: (View) -> View) throws -> Expression {
    Expression(change(try view(expression(call[0], as: .float32))))
  }

  /// The range of each axis of the first operand that a call names.
  ///
  /// - Throws: ``Diagnostic`` for one that is not within the axis.
  func ranges(_ call: OpCall) throws -> (starts: [Int], stops: [Int], steps: [Int]) {
    let (starts, stops, steps) = (try call.ints("starts"), try call.ints("stops"), try call.ints("steps"))
    let shape = try call.type(0).knownShape()
    guard starts.count == shape.count, stops.count == shape.count, steps.count == shape.count,
      shape.indices.allSatisfy({ axis in
        let range = 0...shape[axis]
        return range.contains(starts[axis]) && range.contains(stops[axis]) && 1...(1 << 31) ~= steps[axis]
      })
    else { throw invalid("the ranges from \(starts) to \(stops) by \(steps) do not fit \(shape)") }
    return (starts, stops, steps)
  }

  /// The elements in row-major order under another shape: the same memory where that can be said.
  func reshaped(_ x: Expression, _ shape: [Int]) throws -> Expression {
    if x.shape == shape { return x }
    guard x.shape.reduce(1, *) == shape.reduce(1, *) else { throw invalid("\(x.shape) cannot become \(shape)") }
    if let product = pendingProduct(x)?.reshaped(shape) {
      return Expression(.product(product), dtype: x.dtype, shape: shape)
    }
    let view = try view(x)
    if let reshaped = view.reshaped(shape) { return Expression(reshaped) }
    let copy = try rowMajorView(Expression(view))
    return Expression(copy.reshaped(shape) ?? copy)
  }
}
