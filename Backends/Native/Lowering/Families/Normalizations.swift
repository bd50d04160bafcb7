import GraftIR
import GraftOps

extension LoweringRule {
  static let normalizations: [LoweringRule] = [
    LoweringRule(.softmax) { planner, call in [try planner.alongAxis(.softmax, call)] },
    LoweringRule(.logSoftmax) { planner, call in [try planner.alongAxis(.logSoftmax, call)] },
    LoweringRule(.layerNorm) { planner, call in
      let count = try call.resultType(planner).shape.suffix(call.int("rank")).reduce(1, *)
      let weight = try planner.vector(call[1], call, count: count)
      let bias = try planner.vector(call[2], call, count: count)
      let operation = RowOperation.layerNorm(weight: weight, bias: bias, epsilon: try call.double("eps"))
      return [try planner.overTrailingAxes(operation, call)]
    },
    LoweringRule(.layerNormGradient) { planner, call in try planner.layerNormGradients(call) },
    LoweringRule(.rmsNorm) { planner, call in
      let count = try call.resultType(planner).shape.suffix(call.int("rank")).reduce(1, *)
      let operation = RowOperation.rmsNorm(
        weight: try planner.vector(call[1], call, count: count), epsilon: try call.double("eps"))
      return [try planner.overTrailingAxes(operation, call)]
    },
    LoweringRule(.groupNorm) { planner, call in [try planner.groupNormalised(call)] },
    LoweringRule(.batchNorm) { planner, call in
      let isRunning = try call.string("statistics") == "running" && !call[3].isAbsent && !call[4].isAbsent
      return isRunning ? try planner.normalised(call) : try planner.normalisedByBatch(call)
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

  /// A kernel over the rows that an axis of the first operand makes up.
  fileprivate func alongAxis(_ operation: RowOperation, _ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try expression(call[0], as: dtype).converted(to: dtype.computeType)
    if shape.isEmpty {
      return try reshaped(rows(operation, reshaped(x, [1, 1])), []).converted(to: dtype)
    }
    let axis = try call.axis("axis", rank: shape.count)
    let last = shape.indices.filter { $0 != axis } + [axis]
    let moved = try view(x).transposed(last)
    let result = try reshaped(rows(operation, matrix(moved, length: shape[axis])), moved.shape)
    var back = last
    for (place, axis) in last.enumerated() { back[axis] = place }
    return Expression(try view(result).transposed(back)).converted(to: dtype)
  }

  /// A kernel over the rows that the trailing axes of the first operand make up.
  fileprivate func overTrailingAxes(_ operation: RowOperation, _ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try view(expression(call[0], as: dtype).converted(to: dtype.computeType))
    let length = shape.suffix(try call.int("rank")).reduce(1, *)
    return try reshaped(rows(operation, matrix(x, length: length)), shape).converted(to: dtype)
  }

  /// The gradients of a layer normalisation with respect to x, weight and bias.
  fileprivate func layerNormGradients(_ call: OpCall) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    let inner = Array(shape.suffix(try call.int("rank")))
    let length = inner.reduce(1, *)
    func rows(_ operand: Operand) throws -> View {
      let x = try view(expression(operand, as: dtype).converted(to: dtype.computeType))
      return try view(matrix(x, length: length))
    }
    let (cotangent, source) = (try rows(call[0]), try rows(call[1]))
    guard let kernels = RowKernels(self.kernels.path, source.dtype) else {
      throw Diagnostic(.unsupported, "layer_norm of \(dtype.rawValue) is not native yet", at: origin.location)
    }
    let tasks = LayerNormGradientStep.taskCount(source.shape)
    func sums(_ result: Int) throws -> View? {
      try isUsed(call.results[result]) ? allocate([tasks, length], source.dtype) : nil
    }
    let (weightSums, biasSums) = (try sums(1), try sums(2))
    let target = try allocate(source.shape, source.dtype)
    add(
      LayerNormGradientStep(
        cotangent: cotangent, source: source, weight: try vector(call[2], call, count: length),
        epsilon: try call.double("eps"), target: target, weightSums: weightSums, biasSums: biasSums, kernels: kernels))
    func total(_ sums: View?) throws -> Expression {
      guard let sums else { return Expression(.scalar(.float(0)), dtype: dtype, shape: inner) }
      return try reshaped(reduce(.sum, Expression(sums), over: [0]), inner).converted(to: dtype)
    }
    return [try reshaped(Expression(target), shape).converted(to: dtype), try total(weightSums), try total(biasSums)]
  }

  /// A weight or bias of `count` elements, in memory and without gaps; nil where it is absent.
  fileprivate func vector(_ operand: Operand, _ call: OpCall, count: Int) throws -> View? {
    if operand.isAbsent { return nil }
    let dtype = try call.type(0).dtype.computeType
    let vector = try rowMajorView(expression(operand, as: dtype).converted(to: dtype))
    guard vector.count == count else {
      throw Diagnostic(
        .invalidProgram, "\(call.definition.name) scales rows of \(count) elements by \(vector.count)",
        at: origin.location)
    }
    return vector
  }

  /// x as rows of `length` elements next to each other.
  private func matrix(_ x: View, length: Int) throws -> Expression {
    let shape = [length == 0 ? 0 : x.count / length, length]
    if let seen = x.reshaped(shape), seen.strides[1] == 1 || length == 1, seen.strides[0] >= 0 {
      return Expression(seen)
    }
    return try reshaped(Expression(rowMajorView(Expression(x))), shape)
  }

  private func rows(_ operation: RowOperation, _ x: Expression) throws -> Expression {
    let source = try view(x)
    guard let kernels = RowKernels(self.kernels.path, source.dtype) else {
      throw Diagnostic(
        .unsupported, "normalisations of \(source.dtype.rawValue) are not native yet", at: origin.location)
    }
    let target = try allocate(source.shape, source.dtype)
    add(RowStep(operation: operation, source: source, target: target, kernels: kernels))
    return Expression(target)
  }

  /// Group normalisation of x [N, C, ...], channels last.
  fileprivate func groupNormalised(_ call: OpCall) throws -> Expression {
    let (shape, dtype) = try call.resultType(self)
    let x = try view(expression(call[0], as: dtype).converted(to: dtype.computeType))
    guard let kernels = RowKernels(self.kernels.path, x.dtype) else {
      throw Diagnostic(.unsupported, "group_norm of \(dtype.rawValue) is not native yet", at: origin.location)
    }
    let pixels = [shape[0], shape.dropFirst(2).reduce(1, *), shape[1]]
    let source = try channelsLast(x)
    let target = try allocate(shape, x.dtype, order: shape.channelsLast)
    add(
      GroupNormStep(
        source: try pixelRows(source, pixels), target: try pixelRows(target, pixels), groups: try call.int("groups"),
        epsilon: try call.double("eps"), weight: try vector(call[1], call, count: shape[1]),
        bias: try vector(call[2], call, count: shape[1]),
        kernels: kernels))
    return Expression(target).converted(to: dtype)
  }

  /// [N, C, ...], channels last, as [N, pixels, C].
  private func pixelRows(_ x: View, _ shape: [Int]) throws -> View {
    let moved = x.transposed(x.shape.channelsLast)
    return try moved.reshaped(shape) ?? view(reshaped(Expression(moved), shape))
  }

  /// Batch normalisation by running statistics: a scale and a shift of each channel, known when the plan is made.
  fileprivate func normalised(_ call: OpCall) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    let (mean, variance) = (try expression(call[3], as: dtype), try expression(call[4], as: dtype))
    let eps = number(try call.double("eps"), like: variance)
    var scale = try applying(.rsqrt, applying(.add, variance, eps))
    if !call[1].isAbsent { scale = try applying(.multiply, scale, expression(call[1], as: dtype)) }
    let x = try expression(call[0], as: dtype)
    let folded = try scaledConvolution(x, scale)
    // A bias before the normalisation is one of the mean's after it.
    let centre = try folded?.bias.map { try applying(.subtract, mean, $0) } ?? mean
    var shift = try applying(.negative, applying(.multiply, centre, scale))
    if !call[2].isAbsent { shift = try applying(.add, shift, expression(call[2], as: dtype)) }
    let channels = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
    func channelwise(_ x: Expression) throws -> Expression { try reshaped(Expression(view(x)), channels) }
    let scaled = try folded?.product ?? applying(.multiply, x, channelwise(scale))
    return [try applying(.add, scaled, channelwise(shift)), mean, variance]
  }
}

extension Planner {
  /// Batch normalisation of x [N, C, ...] by the mean and biased variance of each channel, by which the running
  /// statistics move; the variance by its unbiased form.
  fileprivate func normalisedByBatch(_ call: OpCall) throws -> [Expression] {
    let (shape, dtype) = try call.resultType(self)
    let x = try Expression(view(expression(call[0], as: dtype).converted(to: dtype.computeType)))
    let axes = shape.indices.filter { $0 != 1 }
    let channels = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
    let count = Double(axes.reduce(1) { $0 * shape[$1] })
    func mean(_ x: Expression) throws -> Expression {
      try Expression(view(applying(.divide, reduce(.sum, x, over: axes), number(count, like: x))))
    }
    func channelwise(_ x: Expression) throws -> Expression { try reshaped(Expression(view(x)), channels) }
    let average = try mean(x)
    let centred = try applying(.subtract, x, channelwise(average))
    let variance = try mean(applying(.multiply, centred, centred))
    var scale = try applying(.rsqrt, applying(.add, variance, number(try call.double("eps"), like: x)))
    if !call[1].isAbsent {
      scale = try applying(.multiply, scale, expression(call[1], as: dtype).converted(to: x.dtype))
    }
    var result = try applying(.multiply, centred, channelwise(scale))
    if !call[2].isAbsent {
      result = try applying(.add, result, channelwise(expression(call[2], as: dtype).converted(to: x.dtype)))
    }
    let momentum = try call.double("momentum")
    func moved(_ operand: Operand, _ new: Expression) throws -> Expression {
      if operand.isAbsent { return new }
      let old = try expression(operand, as: dtype)
      let step = try applying(.subtract, new.converted(to: old.dtype), old)
      return try applying(.add, old, applying(.multiply, step, number(momentum, like: old)))
    }
    let unbiased = try applying(.multiply, variance, number(count / (count - 1), like: variance))
    return [result.converted(to: dtype), try moved(call[3], average), try moved(call[4], unbiased)]
  }

  /// A convolution that is not yet computed, with each of its output channels scaled: a scaled weight does it. What x adds
  /// to the channels is not in the product.
  private func scaledConvolution(
    _ x: Expression, _ scale: Expression
  ) throws -> (product: Expression, bias: Expression?)? {
    let bias = channelBias(of: x)
    guard case .product(let product) = (bias?.of ?? x).node, let convolution = product as? ConvolutionProduct,
      isConstant(convolution.weight.buffer)
    else { return nil }
    let weight = convolution.weight
    let column = try reshaped(
      Expression(view(scale)), [weight.shape[0]] + Array(repeating: 1, count: weight.rank - 1))
    let scaled = try view(applying(.multiply, Expression(weight), column))
    return (try self.convolution(convolution.x, scaled, convolution.shape, convolution.attributes), bias?.bias)
  }

  /// A constant for each channel [C] that x [N, C, ...] adds to something; nil if it is no such sum.
  private func channelBias(of x: Expression) -> (of: Expression, bias: Expression)? {
    guard case .apply(.add, let operands) = x.node, operands.count == 2, case .view(let bias) = operands[1].node,
      isConstant(bias.buffer),
      bias.strides.indices.allSatisfy({ $0 == 1 || bias.strides[$0] == 0 || bias.shape[$0] == 1 })
    else { return nil }
    let channels = View(
      buffer: bias.buffer, dtype: bias.dtype, offset: bias.offset, shape: [bias.shape[1]], strides: [bias.strides[1]])
    return (operands[0], Expression(channels))
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
