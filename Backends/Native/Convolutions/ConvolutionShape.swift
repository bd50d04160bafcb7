import GraftIR
import GraftOps
import NativeKernels

/// The attributes of a convolution, per spatial axis.
struct ConvolutionShape: Sendable {
  let stride: [Int]
  let dilation: [Int]
  var low: [Int]
  let groups: Int
  /// Whether the weight may be another one in each run.
  var weightChanges = false

  init(_ call: OpCall) throws {
    stride = try call.ints("stride")
    dilation = try call.ints("dilation")
    let pairs = try call.ints("padding")
    low = stride.indices.map { pairs[2 * $0] }
    groups = try call.int("groups")
    let (x, weight) = (try call.type(0).knownShape(), try call.type(1).knownShape())
    guard groups >= 1, x[1] % groups == 0, weight[0] % groups == 0, weight[1] == x[1] / groups else {
      throw Diagnostic(.invalidProgram, "conv: \(groups) groups do not divide \(x) and \(weight)")
    }
    try Self.check(stride + dilation + call.ints("spread"), pairs)
  }

  /// - Throws: ``Diagnostic`` for distances below 1, and for numbers beyond what a tensor can have.
  static func check(_ distances: [Int], _ padding: [Int]) throws {
    guard distances.allSatisfy({ 1...(1 << 31) ~= $0 }), padding.allSatisfy({ -(1 << 31)...(1 << 31) ~= $0 }) else {
      throw Diagnostic(.invalidProgram, "a window of distances \(distances) and padding \(padding)")
    }
  }
}

extension GraftConv {
  /// The sizes of a convolution of `x` [N, C, ...], whose channels lie next to each other, to `output` [N, O, ...].
  init(_ shape: ConvolutionShape, x: View, weight: View, output: [Int]) {
    self.init()
    batch = x.shape[0]
    in_channels = x.shape[1]
    out_channels = output[1]
    groups = shape.groups
    input = Self.three(x.shape.dropFirst(2), 1)
    self.output = Self.three(output.dropFirst(2), 1)
    kernel = Self.three(weight.shape.dropFirst(2), 1)
    stride = Self.three(shape.stride[...], 1)
    dilation = Self.three(shape.dilation[...], 1)
    padding = Self.three(shape.low[...], 0)
    let steps = Self.three(x.strides.dropFirst(2), 0)
    x_stride = (x.strides[0], steps.0, steps.1, steps.2)
    y_row = output[1]
    weight_changes = shape.weightChanges
  }

  /// Depth, height and width of one to three axes.
  private static func three(_ values: ArraySlice<Int>, _ missing: Int) -> (Int, Int, Int) {
    let all = Array(repeating: missing, count: 3 - values.count) + values
    return (all[0], all[1], all[2])
  }

  /// Whether each group has one input channel.
  var isDepthwise: Bool { groups > 1 && in_channels == groups }

  /// Pixels of the output.
  var rows: Int { batch * output.0 * output.1 * output.2 }
}
