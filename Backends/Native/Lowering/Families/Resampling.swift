import GraftFiles
import GraftIR
import GraftOps

extension LoweringRule {
  static let resampling: [LoweringRule] = [
    LoweringRule(.resize) { planner, call in [try planner.resized(call)] },
    LoweringRule(.gridSample) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let operands = try [call[0], call[1]].map {
        try planner.view(planner.expression($0, as: dtype).converted(to: dtype.computeType))
      }
      guard let method = GridSampling.Method(rawValue: try call.string("method")),
        let padding = GridSampling.Padding(rawValue: try call.string("padding")),
        operands[0].shape.dropFirst(2).allSatisfy({ $0 > 0 }), operands[1].dtype == operands[0].dtype
      else { throw planner.invalid("grid_sample needs elements to sample, of the grid's type") }
      let sampling = GridSampling(method: method, padding: padding, alignCorners: try call.bool("align_corners"))
      let target = try planner.allocate(shape, operands[0].dtype)
      let (x, grid) = (operands[0], operands[1])
      planner.add(
        try planner.floatingStep(
          target.dtype, float: GridSampleStep<Float>(sampling: sampling, x: x, grid: grid, target: target),
          double: GridSampleStep<Double>(sampling: sampling, x: x, grid: grid, target: target)))
      return [Expression(target).converted(to: dtype)]
    },
    LoweringRule(.affineGrid) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      if shape.contains(0) { return [Expression(.scalar(.int(0)), dtype: dtype, shape: shape)] }
      let theta = try planner.view(planner.expression(call[0], as: dtype).converted(to: dtype.computeType))
      let points = try planner.regularGrid(
        shape.dropFirst().dropLast(), alignCorners: try call.bool("align_corners"))
      let grid = Expression(planner.constant(try points.converted(to: theta.dtype)))
      let moved = try planner.product(grid, Expression(theta.transposed([0, 2, 1])))
      return [try planner.reshaped(moved, shape).converted(to: dtype)]
    },
  ]
}

extension Planner {
  /// The step for elements of a floating type.
  /// - Throws: ``Diagnostic`` with the code `unsupported` for other types.
  func floatingStep(
    _ dtype: DType, float: @autoclosure () -> any Step, double: @autoclosure () -> any Step
  ) throws -> any Step {
    switch dtype {
    case .float32: return float()
    case .float64: return double()
    default:
      throw Diagnostic(.unsupported, "there is no native kernel for \(dtype.rawValue) here", at: origin.location)
    }
  }

  /// Resamples one axis after the other, those that shrink the most first.
  fileprivate func resized(_ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    guard let method = ResizeMethod(rawValue: try call.string("method")) else {
      throw invalid("there is no method \(try call.string("method"))")
    }
    let isNearest = method == .nearest || method == .nearestExact
    let x = try expression(call[0], as: dtype)
    var view = try dense(view(isNearest ? x : x.converted(to: dtype.computeType)))
    let ratios = try (call.attribute("ratios").asList ?? []).map { $0.asDouble ?? 0 }
    guard view.count > 0 || shape.contains(0), ratios.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw invalid("resize has nothing to sample from")
    }
    if shape.contains(0) { return Expression(.scalar(.int(0)), dtype: dtype, shape: shape) }
    let (align, antialias) = (try call.bool("align_corners"), try call.bool("antialias"))
    let axes = (2..<shape.count).sorted { a, b in
      (shape[a] * view.shape[b], a) < (shape[b] * view.shape[a], b)
    }
    for axis in axes {
      let ratio = ratios.isEmpty ? 0 : ratios[axis - 2]
      if shape[axis] == view.shape[axis], ratio == 0 || ratio == 1 { continue }
      let reach = 4 * max(ratio, Double(view.shape[axis]) / Double(shape[axis]), 1) + 3
      _ = try byteCount([shape[axis], reach.place(below: view.shape[axis] + 1)], .complex128)
      let samples = AxisSamples(
        method, extent: view.shape[axis], count: shape[axis], ratio: ratio, alignCorners: align,
        antialias: antialias && !isNearest)
      view = try resampled(view, axis, samples)
    }
    return Expression(view).converted(to: dtype)
  }

  /// The same without gaps, the axes in their order in memory.
  private func dense(_ x: View) throws -> View {
    if x.transposed(x.order).isRowMajor { return x }
    let copy = try allocate(x.shape, x.dtype, order: x.order)
    try compute(Expression(x), into: copy)
    return copy
  }

  /// A dense view with one axis sampled anew.
  private func resampled(_ x: View, _ axis: Int, _ samples: AxisSamples) throws -> View {
    var shape = x.shape
    shape[axis] = samples.count
    let order = x.order
    let target = try allocate(shape, x.dtype, order: order)
    let place = order.firstIndex(of: axis) ?? 0
    let outer = order[..<place].reduce(1) { $0 * shape[$1] }
    let inner = order[(place + 1)...].reduce(1) { $0 * shape[$1] }
    var source = View(buffer: x.buffer, dtype: x.dtype, rowMajor: [outer, x.shape[axis], inner])
    source.offset = x.offset
    let result = View(buffer: target.buffer, dtype: x.dtype, rowMajor: [outer, samples.count, inner])
    if samples.isCopy {
      add(TakeAxisStep(places: samples.places, source: source, target: result))
      return target
    }
    add(
      try floatingStep(
        x.dtype, float: ResizeAxisStep<Float>(samples: samples, source: source, target: result),
        double: ResizeAxisStep<Double>(samples: samples, source: source, target: result)))
    return target
  }

  /// The points of a regular grid over [-1, 1], last axis first and a 1 behind: [points, rank + 1].
  fileprivate func regularGrid(_ size: ArraySlice<Int>, alignCorners: Bool) throws -> TensorData {
    let size = Array(size)
    let axes = size.map { count -> [Double] in
      let reach = alignCorners ? (count > 1 ? 1 : 0) : Double(count - 1) / Double(max(count, 1))
      return (0..<count).map { -reach + 2 * reach * Double($0) / Double(max(count - 1, 1)) }
    }
    let width = size.count + 1
    let shape = [size.reduce(1, *), width]
    return try TensorData(dtype: .float64, shape: shape) { bytes in
      let numbers = bytes.bindMemory(to: Double.self)
      for point in 0..<shape[0] {
        var rest = point
        for axis in size.indices.reversed() {
          numbers[point * width + size.count - 1 - axis] = axes[axis][rest % size[axis]]
          rest /= size[axis]
        }
        numbers[point * width + size.count] = 1
      }
    }
  }
}
