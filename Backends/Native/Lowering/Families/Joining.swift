import GraftIR
import GraftOps

extension LoweringRule {
  /// Ops that write several tensors into one.
  static let joining: [LoweringRule] = [
    LoweringRule(.concat) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let axis = try call.axis("axis", rank: shape.count)
      let parts = try call[0].values.map { try planner.expression($0) }
      let target = try planner.allocate(shape, dtype, order: try planner.commonOrder(parts))
      var start = 0
      for part in parts {
        var (starts, stops) = (shape.map { _ in 0 }, shape)
        (starts[axis], stops[axis]) = (start, start + part.shape[axis])
        start = stops[axis]
        try planner.compute(part, into: target.sliced(starts: starts, stops: stops, steps: shape.map { _ in 1 }))
      }
      return [Expression(target)]
    },
    LoweringRule(.pad) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype)
      let (low, high) = (try call.ints("low"), try call.ints("high"))
      let interior = try call.ints("interior")
      let limit = 1 << 31
      guard (low + high).allSatisfy({ abs($0.clamped) < limit }), interior.allSatisfy({ 0..<limit ~= $0 }) else {
        throw planner.invalid("padding of \(low) and \(high), with \(interior) between")
      }
      let steps = x.shape.indices.map { 1 + (interior.isEmpty ? 0 : interior[$0]) }
      let view = try planner.view(x).cutting(low, high, steps)
      let target = try planner.allocate(shape, dtype, order: view.order)
      let filling = Expression(.scalar(try call.scalar("value")), dtype: dtype, shape: shape)
      try planner.compute(filling, into: target)
      if view.count > 0 {
        let starts = low.map { max($0, 0) }
        let stops = shape.indices.map { starts[$0] + (view.shape[$0] - 1) * steps[$0] + 1 }
        try planner.compute(Expression(view), into: target.sliced(starts: starts, stops: stops, steps: steps))
      }
      return [Expression(target)]
    },
    LoweringRule(.sliceUpdate) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let (starts, stops, steps) = try planner.ranges(call)
      let x = try planner.view(planner.expression(call[0], as: dtype))
      let target = try planner.allocate(shape, dtype, order: x.order)
      try planner.compute(Expression(x), into: target)
      let part = target.sliced(starts: starts, stops: stops, steps: steps)
      var update = try planner.stretched(planner.expression(call[1], as: dtype), part.shape)
      if try call.string("mode") == "add" {
        update = Expression(.apply(.add, [Expression(part), update]), dtype: dtype, shape: part.shape)
      }
      try planner.compute(update, into: part)
      return [Expression(target)]
    },
  ]
}

extension Planner {
  /// The order of axes of the first part that lies in memory.
  fileprivate func commonOrder(_ parts: [Expression]) throws -> [Int] {
    let views = try parts.map { try view($0) }
    return views.first { $0.count > 1 }?.order ?? Array((views.first?.shape ?? []).indices)
  }
}

extension View {
  /// Without the elements that negative padding cuts off at the ends.
  fileprivate func cutting(_ low: [Int], _ high: [Int], _ steps: [Int]) -> View {
    let starts = shape.indices.map { low[$0] < 0 ? (-low[$0] + steps[$0] - 1) / steps[$0] : 0 }
    let stops = shape.indices.map { high[$0] < 0 ? shape[$0] - (-high[$0] + steps[$0] - 1) / steps[$0] : shape[$0] }
    return sliced(starts: starts, stops: stops.indices.map { max(stops[$0], starts[$0]) }, steps: shape.map { _ in 1 })
  }
}
