import GraftIR
import GraftOps

extension LoweringRule {
  static let normalizations: [LoweringRule] = [
    LoweringRule(.softmax) { planner, call in
      let (e, sum, dtype) = try planner.exponentials(call)
      return [try planner.applying(.divide, e, sum).converted(to: dtype)]
    },
    LoweringRule(.logSoftmax) { planner, call in
      let (shape, dtype) = try call.resultType(planner)
      let axis = try call.axis("axis", rank: shape.count)
      let centred = try planner.centred(planner.expression(call[0], as: dtype), axis)
      let sum = try planner.reduce(.sum, planner.applying(.exp, centred), over: [axis])
      let log = try planner.applying(.log, planner.reshaped(sum, shape.keeping(axis)))
      return [try planner.applying(.subtract, centred, log).converted(to: dtype)]
    },
    LoweringRule(.batchNorm) { planner, call in
      guard try call.string("statistics") == "running", !call[3].isAbsent, !call[4].isAbsent else {
        throw Diagnostic(
          .unsupported, "batch_norm with a batch's own statistics is not native yet", at: planner.origin.location)
      }
      return try planner.normalised(call)
    },
  ]
}

extension Planner {
  /// An operator over expressions that broadcast to the first.
  func applying(_ name: BlockOperator, _ operands: Expression...) throws -> Expression {
    let (shape, dtype) = (operands[0].shape, operands[0].dtype)
    return Expression(.apply(name, try operands.map { try stretched($0, shape) }), dtype: dtype, shape: shape)
  }

  func number(_ value: Double, like other: Expression) -> Expression {
    Expression(.scalar(.float(value)), dtype: other.dtype, shape: [])
  }

  /// x minus its maximum along an axis, in memory.
  fileprivate func centred(_ x: Expression, _ axis: Int) throws -> Expression {
    let x = Expression(try view(x.converted(to: x.computeType)))
    let maximum = try reshaped(reduce(.max, x, over: [axis]), x.shape.keeping(axis))
    return Expression(try view(applying(.subtract, x, maximum)))
  }

  /// The exponentials of a softmax and their sums.
  fileprivate func exponentials(_ call: OpCall) throws -> (Expression, sum: Expression, DType) {
    let (shape, dtype) = try call.resultType(self)
    let axis = try call.axis("axis", rank: shape.count)
    let e = Expression(try view(applying(.exp, centred(expression(call[0], as: dtype), axis))))
    return (e, try reshaped(reduce(.sum, e, over: [axis]), shape.keeping(axis)), dtype)
  }

  /// Batch normalisation by running statistics: a scale and a shift of each channel, known when the plan is made.
  fileprivate func normalised(_ call: OpCall) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    let (mean, variance) = (try expression(call[3], as: dtype), try expression(call[4], as: dtype))
    let eps = number(try call.double("eps"), like: variance)
    var scale = try applying(.rsqrt, applying(.add, variance, eps))
    if !call[1].isAbsent { scale = try applying(.multiply, scale, expression(call[1], as: dtype)) }
    var shift = try applying(.negative, applying(.multiply, mean, scale))
    if !call[2].isAbsent { shift = try applying(.add, shift, expression(call[2], as: dtype)) }
    let channels = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
    func channelwise(_ x: Expression) throws -> Expression { try reshaped(Expression(view(x)), channels) }
    let x = try expression(call[0], as: dtype)
    let scaled = try scaledConvolution(x, scale) ?? applying(.multiply, x, channelwise(scale))
    return [try applying(.add, scaled, channelwise(shift)), mean, variance]
  }
}

extension Planner {
  /// A convolution that is not yet computed, with each of its output channels scaled: a scaled weight does it.
  private func scaledConvolution(_ x: Expression, _ scale: Expression) throws -> Expression? {
    guard case .product(let product) = x.node, let convolution = product as? ConvolutionProduct,
      isConstant(convolution.weight.buffer)
    else { return nil }
    let weight = convolution.weight
    let column = try reshaped(
      Expression(view(scale)), [weight.shape[0]] + Array(repeating: 1, count: weight.rank - 1))
    let scaled = try view(applying(.multiply, Expression(weight), column))
    return try self.convolution(convolution.x, scaled, convolution.shape, convolution.attributes)
  }
}

extension [Int] {
  /// The shape with an axis of extent 1.
  func keeping(_ axis: Int) -> [Int] {
    var shape = self
    shape[axis] = 1
    return shape
  }
}
