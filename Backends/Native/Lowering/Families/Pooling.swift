import GraftIR
import GraftOps

extension LoweringRule {
  static let pooling: [LoweringRule] = [
    LoweringRule(.maxPool) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype).converted(to: dtype.computeType)
      return [try planner.windowed(x, call, shape).converted(to: dtype)]
    }
  ]
}

extension Planner {
  /// The maximum of each window: x padded by the least number, and the maximum over a view with the windows as axes.
  fileprivate func windowed(_ x: Expression, _ call: OpCall, _ shape: [Int]) throws -> Expression {
    let (kernel, stride, pairs) = (try call.ints("kernel"), try call.ints("stride"), try call.ints("padding"))
    var dilation = try call.ints("dilation")
    if dilation.isEmpty { dilation = kernel.map { _ in 1 } }
    let lead = shape.count - kernel.count
    let padded = try padded(try view(x), lead, pairs, by: x.dtype.least)
    var windows = padded
    windows.shape = shape + kernel
    for axis in kernel.indices {
      windows.strides[lead + axis] = padded.strides[lead + axis] * stride[axis]
      windows.strides.append(padded.strides[lead + axis] * dilation[axis])
    }
    return try reduce(.max, Expression(windows), over: Array(shape.count..<shape.count + kernel.count))
  }

  private func padded(_ x: View, _ lead: Int, _ pairs: [Int], by value: Scalar) throws -> View {
    if pairs.allSatisfy({ $0 <= 0 }) { return x }
    var (shape, starts) = (x.shape, x.shape.map { _ in 0 })
    for axis in lead..<x.rank {
      let (low, high) = (pairs[2 * (axis - lead)], pairs[2 * (axis - lead) + 1])
      shape[axis] += low + high
      starts[axis] = low
    }
    let target = allocate(shape, x.dtype, order: x.order)
    try compute(Expression(.scalar(value), dtype: x.dtype, shape: shape), into: target)
    let stops = x.shape.indices.map { starts[$0] + x.shape[$0] }
    try compute(Expression(x), into: target.sliced(starts: starts, stops: stops, steps: x.shape.map { _ in 1 }))
    return target
  }
}

extension DType {
  /// The number that every other is at least.
  fileprivate var least: Scalar {
    switch self {
    case .int8: .int(Int(Int8.min))
    case .int16: .int(Int(Int16.min))
    case .int32: .int(Int(Int32.min))
    case .int64: .int(Int.min)
    case .bool, .uint8, .uint16, .uint32, .uint64: .int(0)
    default: .float(-.infinity)
    }
  }
}
