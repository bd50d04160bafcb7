import GraftIR
import GraftOps

extension LoweringRule {
  static let convolutions: [LoweringRule] = [
    LoweringRule(.conv) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let computeType = dtype.computeType
      let window = try ConvolutionShape(call)
      let spread = try call.ints("spread")
      var x = try planner.view(planner.expression(call[0], as: dtype).converted(to: computeType))
      let weight = try planner.view(planner.expression(call[1], as: dtype).converted(to: computeType))
      if spread.contains(where: { $0 != 1 }) { x = try planner.spread(x, spread) }
      let target = planner.allocate(shape, computeType)
      planner.add(try planner.convolution(x, weight, target, window))
      guard !call[2].isAbsent else { return [Expression(target).converted(to: dtype)] }
      let bias = try planner.expression(call[2], as: dtype).converted(to: computeType)
      let channels = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
      let sum = try planner.applying(.add, Expression(target), planner.reshaped(bias, channels))
      return [sum.converted(to: dtype)]
    }
  ]
}

extension Planner {
  /// x [N, C, ...] with its elements moved apart, zeros between.
  fileprivate func spread(_ x: View, _ steps: [Int]) throws -> View {
    var (shape, strides) = (x.shape, x.shape.map { _ in 1 })
    for (axis, step) in steps.enumerated() {
      shape[axis + 2] = max(0, (x.shape[axis + 2] - 1) * step + 1)
      strides[axis + 2] = step
    }
    let target = allocate(shape, x.dtype, order: x.order)
    try compute(Expression(.scalar(.int(0)), dtype: x.dtype, shape: shape), into: target)
    let places = target.sliced(starts: shape.map { _ in 0 }, stops: shape, steps: strides)
    try compute(Expression(x), into: places)
    return target
  }

  fileprivate func convolution(
    _ x: View, _ weight: View, _ target: View, _ shape: ConvolutionShape
  ) throws -> any Step {
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      GeneralConvolutionStep<Element>(x: x, weight: weight, target: target, shape: shape)
    }
    guard let step = x.dtype.withNumberType({ make($0) }) else {
      throw Diagnostic(
        .unsupported, "convolutions of \(x.dtype.rawValue) are not native yet", at: origin.location)
    }
    return step
  }
}
