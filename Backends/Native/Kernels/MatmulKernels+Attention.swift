import NativeKernels

extension MatmulKernels {
  /// The number of floats of the packed keys and values of a head.
  func packedCount(_ shape: GraftAttention) -> Int {
    withUnsafePointer(to: shape) { table.pointee.attention_packed_count($0) }
  }

  func scratchBytes(_ shape: GraftAttention) -> Int {
    withUnsafePointer(to: shape) { table.pointee.attention_scratch_bytes($0) }
  }

  /// Packs the keys and values of a head.
  func pack(
    _ shape: GraftAttention, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: shape) { table.pointee.attention_pack($0, key, value, 0, shape.keys, packed) }
  }

  /// Attention of some queries of a head to packed keys and values.
  func attend(
    _ shape: GraftAttention, _ query: UnsafePointer<Float>, packed: UnsafePointer<Float>, mask: UnsafeRawPointer?,
    into out: UnsafeMutablePointer<Float>, _ queries: Range<Int>, scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) {
      table.pointee.attention($0, query, packed, mask, out, queries.lowerBound, queries.upperBound, scratch)
    }
  }

  /// Attention of some queries of a head to keys and values where they lie.
  func attend(
    _ shape: GraftAttention, _ query: UnsafePointer<Float>, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
    mask: UnsafeRawPointer?, into out: UnsafeMutablePointer<Float>, _ queries: Range<Int>,
    scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) {
      table.pointee.attention_direct($0, query, key, value, mask, out, queries.lowerBound, queries.upperBound, scratch)
    }
  }

  func scratchBytes(_ shape: GraftAttentionGradient) -> Int {
    withUnsafePointer(to: shape.forward) { table.pointee.attention_gradient_scratch_bytes($0) }
  }

  /// Starts the way back through the heads that share keys and values.
  func startGradient(
    _ shape: GraftAttentionGradient, key: UnsafePointer<Float>, value: UnsafePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape.forward) { table.pointee.attention_gradient_start($0, key, value, scratch) }
  }

  /// The way back through a head of queries.
  func attendBack(
    _ shape: GraftAttentionGradient, _ query: UnsafePointer<Float>, cotangent: UnsafePointer<Float>,
    mask: UnsafeRawPointer?, into dquery: UnsafeMutablePointer<Float>?, scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) { table.pointee.attention_gradient($0, query, cotangent, mask, dquery, scratch) }
  }

  /// Writes the gradients of the keys and values that the heads share.
  func endGradient(
    _ shape: GraftAttentionGradient, key: UnsafeMutablePointer<Float>?, value: UnsafeMutablePointer<Float>?,
    scratch: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: shape) { table.pointee.attention_gradient_end($0, key, value, scratch) }
  }
}
