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
      epilogue: StagedEpilogue(epilogue, over: target, kernels.vector), kernels: kernels)
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
  var taskCount: Int { shape.isDepthwise ? 1 : kernels.panels(shape) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let spatial = Array(repeating: 0, count: 5 - weight.rank) + weight.strides.dropFirst(2)
    kernels.pack(
      shape, frame.pointer(weight), strides: Array(weight.strides.prefix(2)) + spatial, panels: task..<task + 1,
      into: frame.pointer(packed))
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
  private let algorithm: ConvolutionAlgorithm
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
    algorithm = kernels.matmul.algorithm(shape)
    cut = Self.cut(shape, kernels.matmul)
  }

  private static func cut(_ shape: GraftConv, _ kernels: MatmulKernels) -> OutputCut {
    let (rows, panels) = (kernels.rows(shape), kernels.panels(shape))
    let inner = shape.in_channels / shape.groups * shape.kernel.0 * shape.kernel.1 * shape.kernel.2
    switch kernels.algorithm(shape) {
    case .direct:
      return OutputCut(
        rows: rows, panels: panels, tileRows: kernels.tileRows,
        workPerTile: kernels.tileRows * kernels.panelWidth * inner)
    case .depthwise:
      return OutputCut(
        rows: rows, panels: panels, line: shape.output.2, workPerLine: shape.output.2 * kernels.panelWidth * inner)
    case .winograd:
      let width = kernels.winogradTile.width
      return OutputCut(tileLines: rows, tilesAcross: (shape.output.2 + width - 1) / width, panels: panels)
    }
  }

  var name: String {
    switch algorithm {
    case .direct: "conv\(epilogue.suffix)"
    case .depthwise: "depthwise conv\(epilogue.suffix)"
    case .winograd: "winograd conv\(epilogue.suffix)"
    }
  }
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
      rows: pixels(part.rows), columns: columns(part.panels), rowLength: channels,
      in: TaskFrame(buffers: frame.buffers, scratch: frame.scratch + ownScratch))
  }

  /// The output pixels of some rows of the kernel.
  private func pixels(_ rows: Range<Int>) -> Range<Int> {
    guard algorithm == .winograd else { return rows }
    let height = kernels.matmul.winogradTile.height
    let lines = (shape.output.1 + height - 1) / height
    func first(_ tileLine: Int) -> Int {
      (tileLine / lines * shape.output.1 + tileLine % lines * height) * shape.output.2
    }
    return first(rows.lowerBound)..<first(rows.upperBound)
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
