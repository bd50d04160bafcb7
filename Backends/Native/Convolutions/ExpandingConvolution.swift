import GraftIR

extension Planner {
  /// A transposed convolution whose windows lie side by side, each input pixel making a block of output pixels: a product
  /// of the pixels with the taps. Nil where the windows overlap or leave gaps.
  ///
  /// - Parameters:
  ///   - x: [N, C, ...], not spread.
  ///   - weight: [O, C, ...], as a convolution over the spread pixels has it.
  ///   - shape: [N, O, ...].
  ///   - spread: how far apart the pixels are in the convolution's input, per spatial axis.
  func expandingConvolution(
    _ x: View, _ weight: View, _ shape: [Int], _ attributes: ConvolutionShape, spread: [Int]
  ) throws -> Expression? {
    let kernel = Array(weight.shape.dropFirst(2))
    let rank = kernel.count
    let isExact = (0..<rank).allSatisfy { axis in
      attributes.stride[axis] == 1 && attributes.dilation[axis] == 1 && attributes.low[axis] == kernel[axis] - 1
        && shape[axis + 2] == x.shape[axis + 2] * kernel[axis]
    }
    guard x.dtype == .float32, attributes.groups == 1, spread == kernel, isExact, !shape.contains(0) else { return nil }

    let spatial = Array(2..<rank + 2)
    let channelsLast = [0] + spatial + [1]
    let pixels = try view(
      reshaped(Expression(try self.channelsLast(x).transposed(channelsLast)), [x.count / x.shape[1], x.shape[1]]))
    // The taps of a window in the order of its output pixels, which is the reverse of the convolution's.
    let taps = weight.flipped(spatial).transposed([1] + spatial + [0])
    let blocks = try view(
      product(Expression(pixels), reshaped(Expression(taps), [x.shape[1], weight.count / x.shape[1]])))

    let target = try allocate(shape, .float32, order: shape.channelsLast)
    let extents = Array(x.shape.dropFirst(2))
    guard let source = blocks.reshaped([shape[0]] + extents + kernel + [shape[1]]),
      let places = target.reshaped(shape.prefix(2) + zip(extents, kernel).flatMap { [$0, $1] })
    else { return nil }
    let order = [0, 2 * rank + 1] + (0..<rank).flatMap { [$0 + 1, $0 + 1 + rank] }
    try compute(Expression(source.transposed(order)), into: places)
    return Expression(target)
  }
}
