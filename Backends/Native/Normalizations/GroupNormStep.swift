import GraftIR
import NativeKernels

/// Normalisation of groups of channels over all pixels of an example, channels last.
struct GroupNormStep: Step {
  /// [N, pixels, C], the channels next to each other.
  let source: View
  let target: View
  let groups: Int
  let epsilon: Double
  /// [C] each.
  let weight: View?
  let bias: View?
  let kernels: RowKernels

  var name: String { "group_norm" }
  var reads: [View] { [source] + [weight, bias].compactMap { $0 } }
  var writes: [View] { [target] }
  var flops: Int { 8 * source.count }
  var taskCount: Int { max(1, source.shape[0]) }
  private var channels: Int { source.shape[2] }
  /// Mean and variance of each group; mean, scale and shift of each channel.
  var scratchBytes: Int { (2 * groups + 3 * channels) * source.dtype.byteWidth }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard source.count > 0 else { return }
    if source.dtype == .float64 { run(task, as: Double.self, in: frame) } else { run(task, as: Float.self, in: frame) }
  }

  private func run<Element: BinaryFloatingPoint>(_ task: Int, as: Element.Type, in frame: borrowing TaskFrame) {
    let x: UnsafeMutablePointer<Element> = frame.pointer(source)
    let y: UnsafeMutablePointer<Element> = frame.pointer(target)
    let (own, result) = (x + task * source.strides[0], y + task * target.strides[0])
    let (pixels, perGroup) = (source.shape[1], channels / groups)
    let means = frame.scratch.assumingMemoryBound(to: Element.self)
    let variances = means + groups
    let mean = variances + groups
    let (scale, shift) = (mean + channels, mean + 2 * channels)
    let table = kernels.table.pointee
    table.group_moments(means, variances, own, source.strides[1], pixels, groups, perGroup)
    let weights: UnsafeMutablePointer<Element>? = weight.map { frame.pointer($0) }
    let biases: UnsafeMutablePointer<Element>? = bias.map { frame.pointer($0) }
    for channel in 0..<channels {
      let group = channel / perGroup
      mean[channel] = means[group]
      scale[channel] = (weights?[channel] ?? 1) / (variances[group] + Element(epsilon)).squareRoot()
      shift[channel] = biases?[channel] ?? 0
    }
    table.scale_columns(result, target.strides[1], own, source.strides[1], mean, scale, shift, pixels, channels)
  }
}
