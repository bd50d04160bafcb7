import GraftIR
import NativeKernels

/// The way back through attention, which has the weights of a few queries in memory at a time.
///
/// A task is a head of keys and values, with the heads of queries that share it.
struct AttentionGradientStep: Step {
  let operands: AttentionOperands
  /// [..., H, T, E], with contiguous features.
  let cotangent: View
  /// In the shapes of query, key and value, with contiguous features; nil where nobody asks for them.
  let query: View?
  let key: View?
  let value: View?
  let kernels: MatmulKernels

  var name: String { "attention gradient" }
  var reads: [View] {
    [cotangent, operands.query, operands.key, operands.value] + [operands.mask].compactMap { $0 }
  }
  var writes: [View] { [query, key, value].compactMap { $0 } }
  var flops: Int {
    let (keys, value) = (operands.key.shape[operands.key.rank - 2], cotangent.shape[cotangent.rank - 1])
    return 2 * operands.heads * operands.queries * keys
      * (3 * operands.query.shape[operands.query.rank - 1] + 2 * value)
  }
  var taskCount: Int { max(1, operands.keyHeads) }
  var scratchBytes: Int { kernels.scratchBytes(shape) }

  private var shape: GraftAttentionGradient {
    func row(_ view: View?) -> Int { view.map { $0.strides[$0.rank - 2] } ?? 0 }
    var shape = GraftAttentionGradient()
    shape.forward = operands.kernelShape(outputRow: 0)
    shape.cotangent_row = row(cotangent)
    shape.dquery_row = row(query)
    shape.dkey_row = row(key)
    shape.dvalue_row = row(value)
    return shape
  }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard operands.keyHeads > 0 else { return }
    let shape = shape
    func floats(_ view: View, _ head: Int, _ batch: [Int]) -> UnsafeMutablePointer<Float> {
      frame.pointer(view) + view.offset(ofLeading: head, batch)
    }
    kernels.startGradient(
      shape, key: floats(operands.key, task, operands.keyBatch), value: floats(operands.value, task, operands.keyBatch),
      scratch: frame.scratch)
    for head in operands.queryHeads(of: task) {
      kernels.attendBack(
        shape, floats(operands.query, head, operands.batch), cotangent: floats(cotangent, head, operands.batch),
        mask: operands.mask(of: head, in: frame), into: query.map { floats($0, head, operands.batch) },
        scratch: frame.scratch)
    }
    kernels.endGradient(
      shape, key: key.map { floats($0, task, operands.keyBatch) },
      value: value.map { floats($0, task, operands.keyBatch) }, scratch: frame.scratch)
  }
}
