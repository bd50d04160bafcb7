import GraftFiles

/// Memory of our own, aligned for vectors and cache lines, freed with the object; its contents are not defined.
final class NativeMemory: Sendable {
  nonisolated(unsafe) let start: UnsafeMutableRawPointer

  init(byteCount: Int) {
    start = .allocate(byteCount: max(byteCount, 64), alignment: 64)
  }

  deinit { start.deallocate() }

  /// An address for what has no bytes.
  nonisolated(unsafe) static let nothing = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
}

extension TensorData {
  /// Where the bytes begin; kernels only read them. Valid while the tensor is.
  var startOfBytes: UnsafeMutableRawPointer {
    withUnsafeBytes { bytes in
      bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? NativeMemory.nothing
    }
  }
}
