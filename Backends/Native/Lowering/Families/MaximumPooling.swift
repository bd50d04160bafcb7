import GraftIR
import GraftOps

extension LoweringRule {
  /// Maxima of windows with where they were found, and the way back.
  static let maximumPooling: [LoweringRule] = [
    LoweringRule(.maxPoolWithIndices) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let attributes = try PoolAttributes(call)
      let x = try planner.expression(call[0], as: dtype)
      let extents = try call.type(0).knownShape().suffix(attributes.kernel.count)
      let spans = try zip(Array(extents), shape.suffix(attributes.kernel.count)).enumerated().map { axis, pair in
        try planner.windowSpans(attributes, axis, extent: pair.0, count: pair.1)
      }
      return try planner.maximaWithPlaces(x, attributes, shape)
        ?? planner.maximum(call, .fixed(spans), spatial: spans.count)
    },
    LoweringRule(.adaptiveMaxPool) { planner, call in
      let size = try call.ints("size")
      let extents = try call.type(0).knownShape().suffix(size.count)
      let spans = try zip(extents, size).map { extent, count in
        guard extent > 0 || count == 0 else { throw planner.invalid("there is nothing to take a maximum of") }
        return (0..<count).map { index in
          let first = index * extent / count
          return WindowSpan(first: first, step: 1, count: ((index + 1) * extent + count - 1) / count - first)
        }
      }
      return try planner.maximum(call, .fixed(spans), spatial: size.count)
    },
    LoweringRule(.fractionalMaxPool) { planner, call in
      let (kernel, size) = (try call.ints("kernel"), try call.ints("size"))
      let extents = try call.type(0).knownShape().suffix(size.count)
      guard zip(kernel, extents).allSatisfy({ $0 >= 1 && $0 <= $1 }) else {
        throw planner.invalid("windows of \(kernel) do not fit \(extents)")
      }
      let samples = try planner.view(planner.expression(call[1], as: .float64).converted(to: .float64))
      return try planner.maximum(call, .fractional(kernel: kernel, samples: samples), spatial: size.count)
    },
    LoweringRule(.maxUnpool) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let x = try planner.view(planner.expression(call[0], as: dtype).converted(to: dtype.computeType))
      let indices = try planner.view(planner.expression(call[1], as: .int64).converted(to: .int64))
      if try call.bool("add"), let target = try planner.addedToImages(x, indices, shape, call.ints("size")) {
        return [Expression(target).converted(to: dtype)]
      }
      let target = try planner.allocate(shape, x.dtype)
      try planner.compute(Expression(.scalar(.int(0)), dtype: x.dtype, shape: shape), into: target)
      let (spatial, adds) = (try call.ints("size").count, try call.bool("add"))
      func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
        UnpoolStep<Element>(source: x, indices: indices, target: target, spatial: spatial, adds: adds)
      }
      planner.add(try planner.step(x.dtype) { make($0) })
      return [Expression(target).converted(to: dtype)]
    },
  ]
}

extension Planner {
  /// The elements that each window of an axis holds, without the padding.
  fileprivate func windowSpans(
    _ attributes: PoolAttributes, _ axis: Int, extent: Int, count: Int
  ) throws -> [WindowSpan] {
    let (kernel, stride, step) = (attributes.kernel[axis], attributes.stride[axis], attributes.dilation[axis])
    guard kernel >= 1, stride >= 1, step >= 1 else { throw invalid("a window of \(kernel) by \(stride) and \(step)") }
    return try (0..<count).map { index in
      let start = index * stride - attributes.padding[2 * axis]
      let skipped = start < 0 ? (-start + step - 1) / step : 0
      let first = start + skipped * step
      let left = first < extent ? (extent - first + step - 1) / step : 0
      let held = min(kernel - skipped, left)
      guard held > 0 else { throw invalid("a window of max_pool holds padding alone") }
      return WindowSpan(first: first, step: step, count: held)
    }
  }

  /// x [N, C, ...] added at its places to images of zeros, channels last; nil for what the kernel does not do.
  fileprivate func addedToImages(_ x: View, _ places: View, _ shape: [Int], _ size: [Int]) throws -> View? {
    guard x.dtype == .float32, x.rank == size.count + 2, x.count > 0 else { return nil }
    let target = try allocate(shape, .float32, order: shape.channelsLast)
    try compute(Expression(.scalar(.int(0)), dtype: .float32, shape: shape), into: target)
    add(ImageUnpoolStep(source: try denseChannelsLast(x), places: try denseChannelsLast(places), target: target))
    return target
  }

  fileprivate func maximum(_ call: OpCall, _ windows: WindowPlaces, spatial: Int) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    let x = try view(expression(call[0], as: dtype).converted(to: dtype.computeType))
    let (values, indices) = (try allocate(shape, x.dtype), try allocate(shape, .int64))
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      MaximumWindowStep<Element>(windows: windows, source: x, values: values, indices: indices, spatial: spatial)
    }
    add(try step(x.dtype) { make($0) })
    return [Expression(values).converted(to: dtype), Expression(indices)]
  }
}
