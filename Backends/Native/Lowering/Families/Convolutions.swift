import GraftIR
import GraftOps
import NativeKernels

extension LoweringRule {
  static let convolutions: [LoweringRule] = [
    LoweringRule(.conv) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let computeType = dtype.computeType
      let window = try ConvolutionShape(call)
      let spread = try call.ints("spread")
      let x = try planner.view(planner.expression(call[0], as: dtype).converted(to: computeType))
      let weight = try planner.view(planner.expression(call[1], as: dtype).converted(to: computeType))
      let product = try planner.convolution(x, weight, shape, window, spread: spread)
      guard !call[2].isAbsent else { return [product.converted(to: dtype)] }
      let bias = try planner.expression(call[2], as: dtype).converted(to: computeType)
      let channels = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
      return [try planner.applying(.add, product, planner.reshaped(bias, channels)).converted(to: dtype)]
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
    let target = try allocate(shape, x.dtype, order: x.order)
    try compute(Expression(.scalar(.int(0)), dtype: x.dtype, shape: shape), into: target)
    let places = target.sliced(starts: shape.map { _ in 0 }, stops: shape, steps: strides)
    try compute(Expression(x), into: places)
    return target
  }

  /// The same of x with its pixels `spread` apart.
  fileprivate func convolution(
    _ x: View, _ weight: View, _ shape: [Int], _ attributes: ConvolutionShape, spread: [Int]
  ) throws -> Expression {
    if spread.allSatisfy({ $0 == 1 }) { return try convolution(x, weight, shape, attributes) }
    if let expanded = try expandingConvolution(x, weight, shape, attributes, spread: spread) { return expanded }
    if let phased = try phasedConvolution(x, weight, shape, attributes, spread: spread) { return phased }
    return try convolution(self.spread(x, spread), weight, shape, attributes)
  }

  /// The convolution of x [N, C, ...] with weight [O, C / groups, ...].
  func convolution(_ x: View, _ weight: View, _ shape: [Int], _ attributes: ConvolutionShape) throws -> Expression {
    var attributes = attributes
    attributes.weightChanges = !isConstant(weight.buffer)
    if weight.count == 0 { return Expression(.scalar(.int(0)), dtype: x.dtype, shape: shape) }
    if x.dtype == .float32, attributes.stride.count <= 3, shape.allSatisfy({ $0 > 0 }) {
      let pixels = try channelsLast(x)
      let product = ConvolutionProduct(
        x: pixels, weight: weight, packed: try packed(weight, pixels, shape, attributes), attributes: attributes,
        shape: shape)
      return Expression(.product(product), dtype: .float32, shape: shape)
    }
    let target = try allocate(shape, x.dtype)
    if x.dtype == .float64,
      let step = DoubleConvolutionStep(x, try rowMajorView(Expression(weight)), target, attributes)
    {
      add(step)
      return Expression(target)
    }
    func make<Element: NativeNumber>(_ type: Element.Type) -> any Step {
      GeneralConvolutionStep<Element>(x: x, weight: weight, target: target, shape: attributes)
    }
    add(try step(x.dtype) { make($0) })
    return Expression(target)
  }

  /// x with its channels next to each other.
  func channelsLast(_ x: View) throws -> View {
    if x.strides[1] == 1 || x.shape[1] == 1 { return x }
    let copy = try allocate(x.shape, x.dtype, order: x.shape.channelsLast)
    try compute(Expression(x), into: copy)
    return copy
  }

  private func packed(_ weight: View, _ x: View, _ shape: [Int], _ attributes: ConvolutionShape) throws -> View {
    let sizes = GraftConv(attributes, x: x, weight: weight, output: shape)
    let form = Packing.Form.convolution(kernels.matmul.algorithm(sizes), groups: attributes.groups)
    return try packed(Packing(weight: weight, form: form), count: kernels.matmul.packedCount(sizes)) {
      PackConvolutionStep(weight: weight, packed: $0, shape: sizes, kernels: kernels.matmul)
    }
  }
}
