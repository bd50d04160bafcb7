/// Offsets of temporary buffers in one stretch of memory: buffers that are not needed at the same time may overlap.
struct ArenaLayout {
  /// When a buffer is in use: from the step that first writes it to the one that last reads it.
  struct Lifetime {
    var byteCount: Int
    var steps: ClosedRange<Int>
  }

  static let alignment = 64

  private(set) var offsets: [Int]
  private(set) var byteCount = 0

  /// Places the largest buffers first, each at the lowest offset that is free during its life.
  init(_ lifetimes: [Lifetime]) {
    offsets = Array(repeating: 0, count: lifetimes.count)
    var placed: [(offset: Int, end: Int, steps: ClosedRange<Int>)] = []
    let largestFirst = lifetimes.indices.sorted {
      (lifetimes[$1].byteCount, lifetimes[$0].steps.lowerBound, $0)
        < (lifetimes[$0].byteCount, lifetimes[$1].steps.lowerBound, $1)
    }
    for index in largestFirst {
      let lifetime = lifetimes[index]
      let size = (lifetime.byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
      var offset = 0
      for other in placed where other.steps.overlaps(lifetime.steps) && other.offset < offset + size {
        if other.end > offset { offset = other.end }
      }
      offsets[index] = offset
      byteCount = max(byteCount, offset + size)
      let place = placed.firstIndex { $0.offset > offset } ?? placed.endIndex
      placed.insert((offset, offset + size, lifetime.steps), at: place)
    }
  }
}
