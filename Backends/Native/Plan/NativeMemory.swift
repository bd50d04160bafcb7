import GraftFiles

#if canImport(Glibc)
  import Glibc
#endif

/// Memory of our own, aligned for vectors and cache lines, freed with the object; its contents are not defined.
///
/// Where it is large the operating system is asked for huge pages: products read rows that lie far apart, and more of them
/// than the processor remembers the translations of small pages for.
final class NativeMemory: Sendable {
  nonisolated(unsafe) let start: UnsafeMutableRawPointer
  let byteCount: Int

  private static let hugePage = 1 << 21

  init(byteCount: Int) {
    self.byteCount = byteCount
    guard byteCount >= Self.hugePage else {
      start = .allocate(byteCount: max(byteCount, 64), alignment: 64)
      return
    }
    start = .allocate(byteCount: byteCount, alignment: Self.hugePage)
    #if canImport(Glibc)
      // Whole huge pages only, so that no memory is taken behind the end; a refusal leaves small pages.
      madvise(start, byteCount / Self.hugePage * Self.hugePage, MADV_HUGEPAGE)
    #endif
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
