import GraftIR
import NativeKernels

/// Rows times a matrix that was packed before: x [..., K] with weight [K, N] to [..., N], in float32.
final class PackedProduct: PendingProduct {
  /// x as [rows, K].
  private let rows: View
  private let packed: View
  let shape: [Int]

  init(rows: View, packed: View, shape: [Int]) {
    self.rows = rows
    self.packed = packed
    self.shape = shape
  }

  var dtype: DType { .float32 }
  var order: [Int] { Array(shape.indices) }
  var reads: [View] { [rows, packed] }

  func reshaped(_ shape: [Int]) -> (any PendingProduct)? {
    guard shape.last == self.shape.last else { return nil }
    return PackedProduct(rows: rows, packed: packed, shape: shape)
  }

  func step(writing target: View, then epilogue: Epilogue?, _ kernels: NativeKernelSet) -> any Step {
    PackedProductStep(
      rows: rows, packed: packed, target: target, columns: shape.last ?? 1,
      epilogue: StagedEpilogue(epilogue, over: target, kernels.vector), kernels: kernels)
  }
}

struct PackedProductStep: Step {
  let rows: View
  let packed: View
  let target: View
  let columns: Int
  let epilogue: StagedEpilogue
  let kernels: NativeKernelSet
  private let cut: OutputCut

  init(
    rows: View, packed: View, target: View, columns: Int, epilogue: StagedEpilogue, kernels: NativeKernelSet
  ) {
    self.rows = rows
    self.packed = packed
    self.target = target
    self.columns = columns
    self.epilogue = epilogue
    self.kernels = kernels
    let matmul = kernels.matmul
    cut = OutputCut(
      rows: rows.shape[0], panels: matmul.panelCount(columns), tileRows: matmul.tileRows,
      workPerTile: matmul.tileRows * matmul.panelWidth * rows.shape[1])
  }

  var name: String { "matmul\(epilogue.suffix)" }
  var reads: [View] { [rows, packed] + epilogue.reads }
  var writes: [View] { [target] }
  var flops: Int { 2 * rows.count * columns }
  var taskCount: Int { cut.taskCount }
  var scratchBytes: Int { kernels.matmul.scratchBytes.roundedUp(to: 64) + epilogue.scratchBytes }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let part = cut.part(task)
    let shape = GraftMatmul(
      k: rows.shape[1], n: columns, a_row: rows.strides[0], a_column: rows.strides[1], c_row: columns)
    let matmul = kernels.matmul
    matmul.multiply(
      shape, frame.pointer(rows), packed: frame.pointer(packed), into: frame.pointer(target), part,
      epilogue.registers(in: frame, rowLength: columns), scratch: frame.scratch)
    let first = part.panels.lowerBound * matmul.panelWidth
    let last = min(part.panels.upperBound * matmul.panelWidth, columns)
    epilogue.run(
      rows: part.rows, columns: first..<last, rowLength: columns,
      in: TaskFrame(buffers: frame.buffers, scratch: frame.scratch + kernels.matmul.scratchBytes.roundedUp(to: 64)))
  }
}
