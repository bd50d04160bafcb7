import GraftIR
import NativeKernels

/// A convolution in float32, channels last, that waits for the elementwise work on its result.
final class ConvolutionProduct: PendingProduct {
  /// [N, C, ...], its channels next to each other.
  let x: View
  /// [O, C / groups, ...].
  let weight: View
  let attributes: ConvolutionShape
  let shape: [Int]
  private let packed: View

  init(x: View, weight: View, packed: View, attributes: ConvolutionShape, shape: [Int]) {
    self.x = x
    self.weight = weight
    self.packed = packed
    self.attributes = attributes
    self.shape = shape
  }

  var dtype: DType { .float32 }
  var order: [Int] { shape.channelsLast }
  var reads: [View] { [x, packed] }

  func step(writing target: View, then epilogue: Epilogue?, _ kernels: NativeKernelSet) -> any Step {
    ConvolutionStep(
      x: x, weight: weight, packed: packed, target: target, attributes: attributes,
      epilogue: StagedEpilogue(epilogue, over: target), kernels: kernels)
  }
}

extension [Int] {
  /// The axes of [N, C, ...] with the channels innermost.
  var channelsLast: [Int] { [0] + Array(2..<count) + [1] }
}

/// Arranges a convolution's weight as its kernel reads it.
struct PackConvolutionStep: Step {
  let weight: View
  let packed: View
  let shape: GraftConv
  let kernels: MatmulKernels

  var name: String { "pack conv" }
  var reads: [View] { [weight] }
  var writes: [View] { [packed] }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let spatial = Array(repeating: 0, count: 5 - weight.rank) + weight.strides.dropFirst(2)
    kernels.pack(
      shape, frame.pointer(weight), strides: Array(weight.strides.prefix(2)) + spatial, into: frame.pointer(packed))
  }
}

struct ConvolutionStep: Step {
  let x: View
  let weight: View
  let packed: View
  let target: View
  let epilogue: StagedEpilogue
  let kernels: NativeKernelSet
  private let shape: GraftConv
  private let cut: OutputCut

  init(
    x: View, weight: View, packed: View, target: View, attributes: ConvolutionShape, epilogue: StagedEpilogue,
    kernels: NativeKernelSet
  ) {
    self.x = x
    self.weight = weight
    self.packed = packed
    self.target = target
    self.epilogue = epilogue
    self.kernels = kernels
    shape = GraftConv(attributes, x: x, weight: weight, output: target.shape)
    let matmul = kernels.matmul
    let inner = weight.shape.dropFirst().reduce(1, *)
    cut = OutputCut(
      rows: shape.rows, panels: matmul.panels(shape), tileRows: shape.isDepthwise ? shape.output.2 : matmul.tileRows,
      workPerTile: (shape.isDepthwise ? shape.output.2 : matmul.tileRows) * matmul.panelWidth * inner,
      wholeRows: shape.isDepthwise)
  }

  var name: String { "\(shape.isDepthwise ? "depthwise conv" : "conv")\(epilogue.suffix)" }
  var reads: [View] { [x, packed] + epilogue.reads }
  var writes: [View] { [target] }
  var flops: Int { 2 * target.count * weight.shape.dropFirst().reduce(1, *) }
  var taskCount: Int { cut.taskCount }
  private var ownScratch: Int { kernels.matmul.scratchBytes(shape).roundedUp(to: 64) }
  var scratchBytes: Int { ownScratch + epilogue.scratchBytes }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let part = cut.part(task)
    let channels = target.shape[1]
    kernels.matmul.convolve(
      shape, frame.pointer(x), packed: frame.pointer(packed), into: frame.pointer(target), part,
      epilogue.registers(in: frame, rowLength: channels), scratch: frame.scratch)
    epilogue.run(
      rows: part.rows, columns: columns(part.panels), rowLength: channels,
      in: TaskFrame(buffers: frame.buffers, scratch: frame.scratch + ownScratch), kernels.vector)
  }

  /// The channels of some panels; each group has panels of its own, the last of which may be partial.
  private func columns(_ panels: Range<Int>) -> Range<Int> {
    let width = kernels.matmul.panelWidth
    let all = kernels.matmul.panels(shape)
    let channels = target.shape[1]
    if panels == 0..<all { return 0..<channels }
    if shape.isDepthwise || shape.groups == 1 {
      return panels.lowerBound * width..<min(panels.upperBound * width, channels)
    }
    let (perGroup, panelsOfGroup) = (channels / shape.groups, all / shape.groups)
    func column(_ panel: Int) -> Int {
      panel / panelsOfGroup * perGroup + min(panel % panelsOfGroup * width, perGroup)
    }
    return column(panels.lowerBound)..<column(panels.upperBound)
  }
}
