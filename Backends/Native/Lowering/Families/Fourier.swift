import GraftIR
import GraftOps

extension LoweringRule {
  static let fourier: [LoweringRule] = [
    LoweringRule(.fft) { planner, call in [try planner.transformed(call, .complex, isInverse: false)] },
    LoweringRule(.ifft) { planner, call in [try planner.transformed(call, .complex, isInverse: true)] },
    LoweringRule(.rfft) { planner, call in [try planner.transformed(call, .fromReal, isInverse: false)] },
    LoweringRule(.irfft) { planner, call in [try planner.transformed(call, .toReal, isInverse: true)] },
  ]
}

extension Planner {
  /// One axis after the other: the last of them first where it is real, and last where it becomes real.
  fileprivate func transformed(
    _ call: OpCall, _ form: FourierForm, isInverse: Bool
  ) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    var x = try view(expression(call[0], as: dtype))
    let axes = try call.axes("axes", rank: x.rank)
    let sizes = try call.ints("sizes")
    guard sizes.count == axes.count, sizes.allSatisfy({ $0 >= 1 && $0 <= 1 << 27 }) else {
      throw invalid("no transform has \(sizes) points")
    }
    if form == .fromReal { x = try view(Expression(x).converted(to: dtype.realType)) }
    let count = sizes.reduce(1.0) { $0 * Double($1) }
    let scale: Double =
      switch try call.string("norm") {
      case "ortho": 1 / count.squareRoot()
      case "forward": isInverse ? 1 : 1 / count
      default: isInverse ? 1 / count : 1
      }
    let pairs = Array(zip(axes, sizes))
    let order = form == .fromReal ? pairs.reversed() : pairs
    for (index, (axis, size)) in order.enumerated() {
      let isReal = form == .fromReal ? index == 0 : form == .toReal && index == order.count - 1
      x = try transformed(
        x, axis, size, isReal ? form : .complex, isInverse: isInverse, scale: index == order.count - 1 ? scale : 1)
    }
    return try reshaped(Expression(x), shape)
  }

  private func transformed(
    _ x: View, _ axis: Int, _ size: Int, _ form: FourierForm, isInverse: Bool, scale: Double
  ) throws -> View {
    let plan = FourierPlan(size, isInverse: isInverse)
    var shape = x.shape
    shape[axis] = form == .fromReal ? size / 2 + 1 : size
    let isSingle = x.dtype.realType == .float32
    let complex: DType = isSingle ? .complex64 : .complex128
    let target = try allocate(shape, form == .toReal ? complex.realType : complex)
    let last = shape.indices.filter { $0 != axis } + [axis]
    let (source, result) = (x.transposed(last), target.transposed(last))
    if isSingle {
      add(FourierStep<Float>(form: form, plan: plan, scale: scale, source: source, target: result))
    } else {
      add(FourierStep<Double>(form: form, plan: plan, scale: scale, source: source, target: result))
    }
    return target
  }
}
