import Foundation
import NativeKernels
import Testing

@testable import GraftNative

@Suite struct ConvKernelTests {
  @Test(arguments: KernelPath.available)
  func convolutionsOfRandomShapes(path: KernelPath) {
    for seed in 0..<50 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = ConvProblem(&random, .direct)
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  @Test(arguments: KernelPath.available)
  func depthwiseConvolutionsOfRandomShapes(path: KernelPath) {
    for seed in 0..<50 {
      var random = KernelRandom(seed: UInt64(seed))
      let problem = ConvProblem(&random, .depthwise)
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  /// Three taps side by side, whose input is read where it is.
  @Test(arguments: KernelPath.available)
  func depthwiseConvolutionsOfModels(path: KernelPath) {
    for seed in 0..<60 {
      var random = KernelRandom(seed: UInt64(seed))
      let channels = 16 * random.within(1...5)
      let stride = random.within(1...2)
      let padding = (0..<4).map { _ in random.within(0...3) }
      let problem = ConvProblem(
        batch: random.within(1...2), channels: (channels, channels), groups: channels,
        input: [1, random.within(5...18), random.within(3...20)], kernel: [1, random.within(1...3), 3],
        stride: [1, random.within(1...2), stride], dilation: [1, random.within(1...2), 1],
        low: [0, padding[0], padding[1]], high: [0, padding[2], padding[3]], .depthwise, &random)
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  @Test(arguments: KernelPath.available)
  func winogradConvolutionsOfRandomShapes(path: KernelPath) {
    for seed in 0..<8 {
      var random = KernelRandom(seed: UInt64(seed))
      let padding = [0] + (0..<4).map { _ in random.within(0...2) }
      let problem = ConvProblem(
        batch: 1, channels: (random.within(16...36), random.within(16...40)), groups: 1,
        input: [1, random.within(13...17), random.within(13...21)], kernel: [1, 3, 3], stride: [1, 1, 1],
        dilation: [1, 1, 1], low: [0, padding[1], padding[2]], high: [0, padding[3], padding[4]], .winograd, &random)
      var shape = problem.shape
      #expect(path.matmulKernels.winograd_applies(&shape))
      problem.check(path.matmulKernels, "\(path), seed \(seed)", &random)
    }
  }

  /// The shapes that models have, with fewer pixels.
  @Test(arguments: KernelPath.available)
  func convolutionsOfModels(path: KernelPath) {
    let shapes: [(channels: (Int, Int), size: Int, kernel: Int, stride: Int, padding: Int, groups: Int)] = [
      ((3, 40), 15, 7, 2, 3, 1), ((3, 16), 11, 3, 2, 1, 1), ((3, 33), 32, 16, 16, 0, 1), ((3, 24), 8, 4, 4, 0, 1),
      ((70, 34), 7, 3, 1, 1, 1), ((64, 48), 5, 1, 1, 0, 1), ((40, 24), 7, 1, 2, 0, 1), ((64, 64), 5, 3, 1, 1, 16),
    ]
    for (index, shape) in shapes.enumerated() {
      var random = KernelRandom(seed: UInt64(index))
      let problem = ConvProblem(
        batch: 2, channels: shape.channels, groups: shape.groups, input: [1, shape.size, shape.size],
        kernel: [1, shape.kernel, shape.kernel], stride: [1, shape.stride, shape.stride], dilation: [1, 1, 1],
        low: [0, shape.padding, shape.padding], high: [0, shape.padding, shape.padding], .direct, &random)
      problem.check(path.matmulKernels, "\(path), \(shape)", &random)
    }
  }
}

/// A convolution, channels last, over images with gaps.
struct ConvProblem {
  var shape: GraftConv
  let algorithm: ConvolutionAlgorithm
  let x: [Float]
  let weight: [Float]
  let weightStrides: [Int]
  let y: PaddedMatrix
  let epilogue: TestEpilogue

  init(
    batch: Int, channels: (Int, Int), groups: Int, input: [Int], kernel: [Int], stride: [Int], dilation: [Int],
    low: [Int], high: [Int], _ algorithm: ConvolutionAlgorithm, _ random: inout KernelRandom
  ) {
    let output = (0..<3).map { axis -> Int in
      let reach = dilation[axis] * (kernel[axis] - 1) + 1
      let padded = input[axis] + low[axis] + high[axis]
      return (padded - reach) / stride[axis] + 1
    }
    self.algorithm = algorithm
    let pixel = channels.0 + random.pick([0, 0, random.within(1...5)])
    let line = input[2] * pixel + random.pick([0, 0, 7])
    let plane = input[1] * line + random.pick([0, 0, 5])
    let image = input[0] * plane
    shape = GraftConv(
      batch: batch, in_channels: channels.0, out_channels: channels.1, groups: groups,
      input: (input[0], input[1], input[2]), output: (output[0], output[1], output[2]),
      kernel: (kernel[0], kernel[1], kernel[2]), stride: (stride[0], stride[1], stride[2]),
      dilation: (dilation[0], dilation[1], dilation[2]), padding: (low[0], low[1], low[2]),
      x_stride: (image, plane, line, pixel), y_row: 0, weight_changes: false)

    var x = [Float](repeating: .nan, count: batch * image)
    for start in 0..<batch * input[0] * input[1] * input[2] {
      let (w, h, d) = (start % input[2], start / input[2] % input[1], start / input[2] / input[1] % input[0])
      let first = start / input[2] / input[1] / input[0] * image + d * plane + h * line + w * pixel
      for channel in 0..<channels.0 { x[first + channel] = Float.random(in: -1...1, using: &random) }
    }
    self.x = x

    // The weight's dimensions in memory, outermost first, in some order.
    let sizes = [channels.1, channels.0 / groups] + kernel
    var strides = [Int](repeating: 0, count: 5)
    var size = 1
    for axis in random.pick([[0, 1, 2, 3, 4], [2, 3, 4, 1, 0], [0, 2, 3, 4, 1]]).reversed() {
      strides[axis] = size
      size *= sizes[axis]
    }
    weight = random.floats(size)
    weightStrides = strides

    let rows = batch * output[0] * output[1] * output[2]
    y = PaddedMatrix(rows: rows, columns: channels.1, gap: random.pick([0, 3]), &random)
    shape.y_row = y.stride
    epilogue = random.chance(30) ? .none : TestEpilogue(rows: rows, columns: channels.1, &random)
  }

  init(_ random: inout KernelRandom, _ algorithm: ConvolutionAlgorithm) {
    let isDepthwise = algorithm == .depthwise
    let rank = random.pick([1, 2, 2, 2, 3])
    func axes(_ range: ClosedRange<Int>, else absent: Int) -> [Int] {
      (0..<3).map { $0 >= 3 - rank ? random.within(range) : absent }
    }
    let kernel = axes(1...(rank == 3 ? 3 : 4), else: 1)
    let (stride, dilation) = (axes(1...3, else: 1), axes(1...2, else: 1))
    let (low, high) = (axes(0...3, else: 0), axes(0...3, else: 0))
    let input = (0..<3).map { axis -> Int in
      let reach = dilation[axis] * (kernel[axis] - 1) + 1 - low[axis] - high[axis]
      return axis < 3 - rank ? 1 : max(1, reach) + random.within(0...(rank == 3 ? 3 : 8))
    }
    let groups = isDepthwise ? random.within(1...80) : random.pick([1, 1, 2, 3])
    let inputs = isDepthwise ? 1 : random.pick([1, 3, random.within(1...40)])
    let outputs = isDepthwise ? random.pick([1, 1, 2, 3]) : random.within(1...40)
    self.init(
      batch: random.within(1...2), channels: (groups * inputs, groups * outputs), groups: groups, input: input,
      kernel: kernel, stride: stride, dilation: dilation, low: low, high: high, algorithm, &random)
  }

  /// Runs it whole and in pieces; compares the first with float64, the second with the first.
  func check(_ kernels: GraftMatmulKernels, _ label: String, _ random: inout KernelRandom) {
    var shape = shape
    let panels = algorithm == .depthwise ? kernels.depthwise_panels(&shape) : kernels.conv_panels(&shape)
    let rows = algorithm == .winograd ? kernels.winograd_tile_lines(&shape) : y.rows
    let whole = [GraftOutputBlock(row_begin: 0, row_end: rows, panel_begin: 0, panel_end: panels)]
    let result = run(kernels, whole)
    let magnitudes = algorithm == .winograd ? winogradMagnitudes() : []
    var wrong = 0
    for row in 0..<y.rows {
      for column in 0..<y.columns {
        let expected = epilogue.apply(
          product(row, column, magnitudes), before: y[row, column], row: row, column: column)
        if !expected.accepts(result.data[row * y.stride + column]) { wrong += 1 }
      }
    }
    #expect(wrong == 0, "\(label): \(wrong) of \(y.rows * y.columns), \(shape), \(epilogue.activation)")
    #expect(result.gapsAreUntouched, "\(label)")
    let pieces = blocks(random.cuts(rows), random.cuts(panels))
    #expect(run(kernels, pieces).bits == result.bits, "\(label): cut into \(pieces.count)")
  }

  private func run(_ kernels: GraftMatmulKernels, _ blocks: [GraftOutputBlock]) -> PaddedMatrix {
    let (count, bytes) = sizes(kernels)
    var (shape, result) = (shape, y)
    var packed = [Float](repeating: .nan, count: count)
    let memory = scratch(bytes: bytes)
    defer { memory.deallocate() }
    switch algorithm {
    case .direct: kernels.conv_pack(&shape, weight, weightStrides, 0, kernels.conv_panels(&shape), &packed)
    case .depthwise: kernels.depthwise_pack(&shape, weight, weightStrides, &packed)
    case .winograd: kernels.winograd_pack(&shape, weight, weightStrides, 0, kernels.conv_panels(&shape), &packed)
    }
    epilogue.withKernelEpilogue { epilogue in
      var epilogue = epilogue
      for block in blocks {
        switch algorithm {
        case .direct: kernels.conv(&shape, x, packed, &result.data, block, &epilogue, memory)
        case .depthwise: kernels.depthwise(&shape, x, packed, &result.data, block, &epilogue, memory)
        case .winograd: kernels.winograd(&shape, x, packed, &result.data, block, &epilogue, memory)
        }
      }
    }
    return result
  }

  /// Floats of the packed weight, and bytes of scratch.
  private func sizes(_ kernels: GraftMatmulKernels) -> (packed: Int, scratch: Int) {
    var shape = shape
    switch algorithm {
    case .direct: return (kernels.conv_packed_count(&shape), kernels.conv_scratch_bytes())
    case .depthwise: return (kernels.depthwise_packed_count(&shape), kernels.depthwise_scratch_bytes(&shape))
    case .winograd: return (kernels.winograd_packed_count(&shape), kernels.winograd_scratch_bytes(&shape))
    }
  }

  /// The sum over the taps and channels of an output pixel.
  private func product(_ row: Int, _ column: Int, _ winogradMagnitudes: [Double]) -> Bounded {
    let channels = shape.in_channels / shape.groups
    let group = column / (shape.out_channels / shape.groups)
    let w = row % shape.output.2, h = row / shape.output.2 % shape.output.1
    let d = row / shape.output.2 / shape.output.1 % shape.output.0
    let image = row / shape.output.2 / shape.output.1 / shape.output.0
    var sum = 0.0
    var magnitude = 0.0
    for tapD in 0..<shape.kernel.0 {
      let inputD = d * shape.stride.0 + tapD * shape.dilation.0 - shape.padding.0
      guard 0..<shape.input.0 ~= inputD else { continue }
      for tapH in 0..<shape.kernel.1 {
        let inputH = h * shape.stride.1 + tapH * shape.dilation.1 - shape.padding.1
        guard 0..<shape.input.1 ~= inputH else { continue }
        for tapW in 0..<shape.kernel.2 {
          let inputW = w * shape.stride.2 + tapW * shape.dilation.2 - shape.padding.2
          guard 0..<shape.input.2 ~= inputW else { continue }
          let pixel =
            image * shape.x_stride.0 + inputD * shape.x_stride.1 + inputH * shape.x_stride.2
            + inputW * shape.x_stride.3 + group * channels
          let tap =
            column * weightStrides[0] + tapD * weightStrides[2] + tapH * weightStrides[3] + tapW * weightStrides[4]
          for channel in 0..<channels {
            let term = Double(x[pixel + channel]) * Double(weight[tap + channel * weightStrides[1]])
            sum += term
            magnitude += abs(term)
          }
        }
      }
    }
    let count = channels * shape.kernel.0 * shape.kernel.1 * shape.kernel.2
    if algorithm == .winograd { magnitude = winogradMagnitudes[column] }
    return Bounded(sum: sum, magnitude: magnitude, count: count)
  }

  /// What the sums over a transformed patch of the input are at most made of, by output channel: a patch reaches further
  /// than the taps do, and its terms grow by the transformation.
  private func winogradMagnitudes() -> [Double] {
    (0..<shape.out_channels).map { column in
      (0..<shape.in_channels * 9).reduce(0.0) { sum, index in
        let (channel, tap) = (index / 9, index % 9)
        let offset = tap / 3 * weightStrides[3] + tap % 3 * weightStrides[4]
        return sum + 4 * abs(Double(weight[column * weightStrides[0] + channel * weightStrides[1] + offset]))
      }
    }
  }
}
