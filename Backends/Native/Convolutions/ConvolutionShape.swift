import GraftIR
import GraftOps

/// The attributes of a convolution, per spatial axis.
struct ConvolutionShape: Sendable {
  let stride: [Int]
  let dilation: [Int]
  let low: [Int]
  let high: [Int]
  let groups: Int

  init(_ call: OpCall) throws {
    stride = try call.ints("stride")
    dilation = try call.ints("dilation")
    let pairs = try call.ints("padding")
    low = stride.indices.map { pairs[2 * $0] }
    high = stride.indices.map { pairs[2 * $0 + 1] }
    groups = try call.int("groups")
  }
}
