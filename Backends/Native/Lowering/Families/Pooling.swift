import GraftIR
import GraftOps
import NativeKernels

extension LoweringRule {
  static let pooling: [LoweringRule] = [
    LoweringRule(.maxPool) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype).converted(to: dtype.computeType)
      let pooled = try planner.pooled(x, PoolAttributes(call), shape, .maximum()) ?? planner.windowed(x, call, shape)
      return [pooled.converted(to: dtype)]
    },
    LoweringRule(.averagePool, when: PoolAttributes.hasAverage) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.expression(call[0], as: dtype).converted(to: dtype.computeType)
      let attributes = try PoolAttributes(call)
      if shape.contains(0) { return [Expression(.scalar(.int(0)), dtype: dtype, shape: shape)] }
      let kind = try attributes.average(call)
      guard let kind, let pooled = try planner.pooled(x, attributes, shape, kind) else {
        throw Diagnostic(
          .unsupported, "avg_pool of \(dtype.rawValue) with this padding is not native yet", at: planner.origin.location
        )
      }
      return [pooled.converted(to: dtype)]
    },
  ]
}

/// The attributes of a pooling window, per spatial axis.
struct PoolAttributes {
  let kernel: [Int]
  let stride: [Int]
  let dilation: [Int]
  /// Low and high, alternating.
  let padding: [Int]

  init(_ call: OpCall) throws {
    kernel = try call.ints("kernel")
    stride = try call.ints("stride")
    padding = try call.ints("padding")
    let given = call.definition.attribute("dilation") == nil ? [] : try call.ints("dilation")
    dilation = given.isEmpty ? kernel.map { _ in 1 } : given
    try ConvolutionShape.check(kernel + stride + dilation, padding)
  }

  /// Whether ``PoolStep`` pools x into `shape`.
  fileprivate func hasKernel(_ x: Expression, _ shape: [Int]) -> Bool {
    x.dtype == .float32 && kernel.count <= 2 && shape.count == kernel.count + 2 && shape.allSatisfy { $0 > 0 }
      && padding.allSatisfy { $0 >= 0 }
  }

  /// Whether a kernel computes the average; others are decomposed.
  @Sendable fileprivate static func hasAverage(_ call: OpCall) -> Bool {
    guard let type = try? call.type(0), let attributes = try? PoolAttributes(call) else { return false }
    let spatial = attributes.kernel.count
    return type.dtype.computeType == .float32 && spatial <= 2 && type.rank == spatial + 2
      && attributes.padding.allSatisfy { $0 >= 0 } && (try? attributes.average(call)) != nil
  }

  /// The average as the kernel knows it; nil where only a part of the padding counts.
  fileprivate func average(_ call: OpCall) throws -> PoolStep.Kind? {
    let divisor = try call.optional("divisor")?.asDouble ?? 0
    let counted = try call.ints("counted")
    if counted == padding { return .average(divisor: divisor, includesPadding: true) }
    return counted.allSatisfy { $0 == 0 } ? .average(divisor: divisor, includesPadding: false) : nil
  }
}

extension Planner {
  /// Pooling of x [N, C, H, W] or [N, C, L] by a kernel, channels last; nil for what it does not do.
  fileprivate func pooled(
    _ x: Expression, _ attributes: PoolAttributes, _ shape: [Int], _ kind: PoolStep.Kind
  ) throws -> Expression? {
    guard attributes.hasKernel(x, shape) else { return nil }
    let dense = try denseChannelsLast(view(x))
    let target = try allocate(shape, x.dtype, order: shape.channelsLast)
    add(PoolStep(kind: kind, source: dense, target: target, attributes: attributes, path: kernels.path))
    return Expression(target)
  }

  /// The maxima of windows, and where in its image each is; nil for what the kernel does not do.
  func maximaWithPlaces(_ x: Expression, _ attributes: PoolAttributes, _ shape: [Int]) throws -> [Expression]? {
    guard attributes.hasKernel(x, shape) else { return nil }
    let dense = try denseChannelsLast(view(x))
    let values = try allocate(shape, x.dtype, order: shape.channelsLast)
    let places = try allocate(shape, .int64, order: shape.channelsLast)
    add(
      PoolStep(
        kind: .maximum(places: places), source: dense, target: values, attributes: attributes, path: kernels.path))
    return [Expression(values), Expression(places)]
  }

  /// x [N, C, ...], channels last and without gaps.
  func denseChannelsLast(_ x: View) throws -> View {
    if x.transposed(x.shape.channelsLast).isRowMajor { return x }
    let copy = try allocate(x.shape, x.dtype, order: x.shape.channelsLast)
    try compute(Expression(x), into: copy)
    return copy
  }

  /// The maximum of each window: x padded by the least number, and the maximum over a view with the windows as axes.
  fileprivate func windowed(_ x: Expression, _ call: OpCall, _ shape: [Int]) throws -> Expression {
    let attributes = try PoolAttributes(call)
    let (kernel, lead) = (attributes.kernel, shape.count - attributes.kernel.count)
    let padded = try padded(try view(x), lead, attributes.padding, by: x.dtype.least)
    var windows = padded
    windows.shape = shape + kernel
    for axis in kernel.indices {
      windows.strides[lead + axis] = padded.strides[lead + axis] * attributes.stride[axis]
      windows.strides.append(padded.strides[lead + axis] * attributes.dilation[axis])
    }
    return try reduce(.max, Expression(windows), over: Array(shape.count..<shape.count + kernel.count))
  }

  /// x with its spatial axes continued at the ends, and cut where the padding is negative.
  private func padded(_ whole: View, _ lead: Int, _ pairs: [Int], by value: Scalar) throws -> View {
    let (x, pairs) = (try whole.cut(lead, pairs), pairs.map { max($0, 0) })
    if pairs.allSatisfy({ $0 == 0 }) { return x }
    var (shape, starts) = (x.shape, x.shape.map { _ in 0 })
    for axis in lead..<x.rank {
      let (low, high) = (pairs[2 * (axis - lead)], pairs[2 * (axis - lead) + 1])
      shape[axis] += low + high
      starts[axis] = low
    }
    let target = try allocate(shape, x.dtype, order: x.order)
    try compute(Expression(.scalar(value), dtype: x.dtype, shape: shape), into: target)
    let stops = x.shape.indices.map { starts[$0] + x.shape[$0] }
    try compute(Expression(x), into: target.sliced(starts: starts, stops: stops, steps: x.shape.map { _ in 1 }))
    return target
  }
}

extension View {
  /// Without what negative padding, low and high alternating, takes off the axes from `lead` on.
  fileprivate func cut(_ lead: Int, _ pairs: [Int]) throws -> View {
    var (starts, stops) = (shape.map { _ in 0 }, shape)
    for axis in lead..<rank {
      starts[axis] = max(0, -pairs[2 * (axis - lead)])
      stops[axis] -= max(0, -pairs[2 * (axis - lead) + 1])
      guard starts[axis] <= stops[axis] else {
        throw Diagnostic(.invalidProgram, "negative padding of \(pairs) takes more than there is of \(shape)")
      }
    }
    return sliced(starts: starts, stops: stops, steps: shape.map { _ in 1 })
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
