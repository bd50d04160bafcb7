import GraftIR
import NativeKernels

/// The kernels over rows of one floating type.
struct RowKernels: @unchecked Sendable {
  let table: UnsafePointer<GraftRows>

  /// Nil for a type that has none.
  init?(_ path: KernelPath, _ dtype: DType) {
    guard let type = dtype.kernelType, let table = graft_rows(path.kernels, type) else { return nil }
    self.table = table
  }
}

/// Reduces the rows, or the columns, of a matrix.
struct ReductionKernel: @unchecked Sendable {
  let function: @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, Int, Int, Int) -> Void

  /// Nil where there is none, or where it would yield another type than the elements'.
  init?(_ path: KernelPath, _ kind: ReductionKind, _ dtype: DType, ofColumns: Bool) {
    guard let type = dtype.kernelType, !(dtype == .int32 && kind.widens) else { return nil }
    let found =
      ofColumns
      ? graft_column_reduction(path.kernels, kind.kernel, type) : graft_row_reduction(path.kernels, kind.kernel, type)
    guard let found else { return nil }
    function = found
  }
}

extension ReductionKind {
  fileprivate var kernel: GraftReducer {
    switch self {
    case .sum: GRAFT_REDUCE_SUM
    case .prod: GRAFT_REDUCE_PRODUCT
    case .max: GRAFT_REDUCE_MAXIMUM
    case .min: GRAFT_REDUCE_MINIMUM
    }
  }

  /// Whether narrow integers are reduced to wide ones.
  fileprivate var widens: Bool { self == .sum || self == .prod }
}
