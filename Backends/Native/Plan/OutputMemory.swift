import Synchronization

/// Memory of results that nobody holds any more, for the next results of the same size: memory that is new to the process
/// has to be cleared by the operating system first, page by page.
final class OutputMemory: Sendable {
  private struct State {
    var free: [NativeMemory] = []
    /// Bytes of the largest results of a call so far, which is what is kept at most.
    var limit = 0
  }

  private let state = Mutex(State())

  /// Smaller results cost nothing to allocate.
  private static let least = 1 << 16

  /// Memory for the results of a call.
  func take(_ byteCounts: [Int]) -> [NativeMemory] {
    let known = state.withLock { state in
      state.limit = max(state.limit, byteCounts.reduce(0, +))
      return byteCounts.map { count in
        state.free.lastIndex { $0.byteCount == count }.map { state.free.remove(at: $0) }
      }
    }
    return zip(known, byteCounts).map { $0 ?? NativeMemory(byteCount: $1) }
  }

  func giveBack(_ memory: NativeMemory) {
    if memory.byteCount < Self.least { return }
    let dropped = state.withLock { state in
      state.free.append(memory)
      var (kept, first) = (0, state.free.count)
      while first > 0, kept + state.free[first - 1].byteCount <= state.limit {
        first -= 1
        kept += state.free[first].byteCount
      }
      defer { state.free.removeFirst(first) }
      return Array(state.free.prefix(first))
    }
    withExtendedLifetime(dropped) {}
  }
}
