import GraftIR
import NativeKernels

/// A C function that computes a block of elements: target, up to three operands, number of elements.
typealias BlockFunction =
  @convention(c) (
    UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeRawPointer?, UnsafeRawPointer?, Int
  ) -> Void

/// The elementwise kernels of a path.
struct VectorKernels: Sendable {
  private let path: GraftPath
  private let moves: [ElementMoves]

  init(_ path: KernelPath) {
    self.path = path.kernels
    moves = (0...16).map { ElementMoves(path, width: $0) }
  }

  /// The moves for elements of `width` bytes, at most 16.
  func moves(width: Int) -> ElementMoves { moves[width] }

  /// The function of an operator for operands of a type; nil if there is none.
  func block(_ name: BlockOperator, _ type: DType) -> BlockFunction? {
    if let name = name.kernel, let type = type.kernelType, let function = graft_block(path, name, type) {
      return function
    }
    return SwiftBlocks.function(name, type)
  }

  /// The conversion between two types; nil where one has no kernels.
  func cast(_ from: DType, _ to: DType) -> BlockFunction? {
    guard let fromType = from.kernelType, let toType = to.kernelType else { return ComplexBlocks.cast(from, to) }
    return graft_cast(path, fromType, toType)
  }
}

/// What moves elements of one width in memory.
struct ElementMoves: @unchecked Sendable {
  let width: Int
  private let table: UnsafePointer<GraftMoves>?

  fileprivate init(_ path: KernelPath, width: Int) {
    self.width = width
    table = graft_moves(path.kernels, width)
  }

  /// Writes one element `count` times.
  func fill(_ target: UnsafeMutableRawPointer, _ element: UnsafeRawPointer, _ count: Int) {
    if width == 16 { return WideMoves.fill(target, element, count) }
    table?.pointee.fill(target, element, count)
  }

  /// Reads elements that are `step` bytes apart.
  func gather(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, step: Int, _ count: Int) {
    if width == 16 { return WideMoves.gather(target, source, step: step, count) }
    table?.pointee.gather(target, source, step / width, count)
  }

  /// Writes elements `step` bytes apart.
  func scatter(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, step: Int, _ count: Int) {
    if width == 16 { return WideMoves.scatter(target, source, step: step, count) }
    table?.pointee.scatter(target, step / width, source, count)
  }

  /// `target[c * stride + r] = source[r * stride + c]` for all rows and columns, strides in elements.
  func transpose(
    _ target: UnsafeMutableRawPointer, stride targetStride: Int, _ source: UnsafeRawPointer, stride sourceStride: Int,
    rows: Int, columns: Int
  ) {
    table?.pointee.transpose(target, targetStride, source, sourceStride, rows, columns)
  }
}

extension KernelPath {
  var kernels: GraftPath {
    switch self {
    case .avx512: GRAFT_AVX512
    case .avx2: GRAFT_AVX2
    case .baseline: GRAFT_BASELINE
    }
  }
}

extension DType {
  /// The type as kernels know it; nil for those without kernels.
  var kernelType: GraftType? {
    switch self {
    case .bool: GRAFT_TYPE_BOOL
    case .uint8: GRAFT_TYPE_U8
    case .int8: GRAFT_TYPE_I8
    case .int16: GRAFT_TYPE_I16
    case .int32: GRAFT_TYPE_I32
    case .int64: GRAFT_TYPE_I64
    case .uint16: GRAFT_TYPE_U16
    case .uint32: GRAFT_TYPE_U32
    case .uint64: GRAFT_TYPE_U64
    case .float16: GRAFT_TYPE_F16
    case .bfloat16: GRAFT_TYPE_BF16
    case .float32: GRAFT_TYPE_F32
    case .float64: GRAFT_TYPE_F64
    case .complex64, .complex128, .key: nil
    }
  }
}
