import GraftIR
import NativeKernels

/// What attention works on, as views with heads in front: query [..., H, T, D], key [..., G, S, D], value [..., G, S, E],
/// where G divides H; all with contiguous features, in float32.
struct AttentionOperands: Sendable {
  let query: View
  let key: View
  let value: View
  /// [..., H, T, S], of booleans or float32.
  let mask: View?
  let scale: Float
  let isCausal: Bool

  /// The axes before T, S or D.
  var batch: [Int] { Array(query.shape.dropLast(2)) }
  var heads: Int { batch.reduce(1, *) }
  var queries: Int { query.shape[query.rank - 2] }
  /// The axes of key and value before S.
  var keyBatch: [Int] { Array(key.shape.dropLast(2)) }
  var keyHeads: Int { keyBatch.reduce(1, *) }

  /// The head of key and value that a head of the query reads.
  func keyHead(of head: Int) -> Int {
    guard let queryHeads = batch.last, let ownHeads = keyBatch.last, queryHeads != ownHeads else { return head }
    return head / queryHeads * ownHeads + head % queryHeads / (queryHeads / ownHeads)
  }

  /// The consecutive heads of the query that read a head of key and value.
  func queryHeads(of keyHead: Int) -> Range<Int> {
    let share = keyHeads > 0 ? heads / keyHeads : 0
    return keyHead * share..<(keyHead + 1) * share
  }

  /// The mask of a head of the query.
  func mask(of head: Int, in frame: borrowing TaskFrame) -> UnsafeRawPointer? {
    guard let mask else { return nil }
    return UnsafeRawPointer(frame.raw(mask) + mask.offset(ofLeading: head, batch) * mask.dtype.byteWidth)
  }

  /// The sizes as the kernels know them.
  func kernelShape(outputRow: Int) -> GraftAttention {
    var shape = GraftAttention()
    shape.queries = queries
    shape.keys = key.shape[key.rank - 2]
    shape.width = query.shape[query.rank - 1]
    shape.value_width = value.shape[value.rank - 1]
    shape.scale = scale
    shape.causal = isCausal
    shape.q_row = query.strides[query.rank - 2]
    shape.k_row = key.strides[key.rank - 2]
    shape.v_row = value.strides[value.rank - 2]
    shape.out_row = outputRow
    shape.mask = GRAFT_MASK_NONE
    if let mask {
      shape.mask = mask.dtype == .bool ? GRAFT_MASK_BOOLEAN : GRAFT_MASK_FLOAT
      shape.mask_row = mask.strides[mask.rank - 2]
      shape.mask_column = mask.strides[mask.rank - 1]
    }
    return shape
  }
}

/// Arranges the keys and values of each head as the attention kernel reads them.
struct PackAttentionStep: Step {
  let operands: AttentionOperands
  /// [heads of key and value, floats of one].
  let packed: View
  let kernels: MatmulKernels

  var name: String { "pack attention" }
  var reads: [View] { [operands.key, operands.value] }
  var writes: [View] { [packed] }
  var taskCount: Int { max(1, operands.keyHeads) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard packed.count > 0 else { return }
    kernels.pack(
      operands.kernelShape(outputRow: 0),
      key: frame.pointer(operands.key) + operands.key.offset(ofLeading: task, operands.keyBatch),
      value: frame.pointer(operands.value) + operands.value.offset(ofLeading: task, operands.keyBatch),
      into: frame.pointer(packed) + task * packed.shape[1])
  }
}

/// Attention that never has the scores in memory.
struct AttentionStep: Step {
  let operands: AttentionOperands
  /// Nil for a few queries, which read keys and values in place.
  let packed: View?
  /// [..., H, T, E], with contiguous features.
  let target: View
  let kernels: MatmulKernels

  private static let tilesPerTask = 8

  var name: String { packed == nil ? "attention, few queries" : "attention" }
  var reads: [View] {
    let memory = packed.map { [$0] } ?? [operands.key, operands.value]
    return [operands.query] + memory + [operands.mask].compactMap { $0 }
  }
  var writes: [View] { [target] }
  var flops: Int { 2 * operands.heads * operands.queries * operands.key.shape[operands.key.rank - 2] * features }
  private var features: Int { operands.query.shape[operands.query.rank - 1] + target.shape[target.rank - 1] }
  private var shape: GraftAttention { operands.kernelShape(outputRow: target.strides[target.rank - 2]) }
  private var queriesPerTask: Int { kernels.tileRows * Self.tilesPerTask }
  private var tasksPerHead: Int { max(1, (operands.queries + queriesPerTask - 1) / queriesPerTask) }
  var taskCount: Int { max(1, operands.heads * tasksPerHead) }
  var scratchBytes: Int { kernels.scratchBytes(shape) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let (head, first) = (task / tasksPerHead, task % tasksPerHead * queriesPerTask)
    let keyHead = operands.keyHead(of: head)
    let query: UnsafeMutablePointer<Float> = frame.pointer(operands.query)
    let output: UnsafeMutablePointer<Float> = frame.pointer(target)
    let mask = operands.mask(of: head, in: frame)
    let range = first..<min(first + queriesPerTask, operands.queries)
    let own = query + operands.query.offset(ofLeading: head, operands.batch)
    let out = output + target.offset(ofLeading: head, operands.batch)
    if let packed {
      let keys: UnsafeMutablePointer<Float> = frame.pointer(packed)
      kernels.attend(
        shape, own, packed: keys + keyHead * packed.shape[1], mask: mask, into: out, range, scratch: frame.scratch)
    } else {
      let key: UnsafeMutablePointer<Float> = frame.pointer(operands.key)
      let value: UnsafeMutablePointer<Float> = frame.pointer(operands.value)
      kernels.attend(
        shape, own, key: key + operands.key.offset(ofLeading: keyHead, operands.keyBatch),
        value: value + operands.value.offset(ofLeading: keyHead, operands.keyBatch), mask: mask, into: out, range,
        scratch: frame.scratch)
    }
  }
}
