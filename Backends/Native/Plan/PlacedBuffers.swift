/// Where some buffers of a sequence of steps lie in one stretch of memory, each from the step that first uses it to the last.
struct PlacedBuffers {
  /// Offsets in bytes by buffer; a buffer that no step uses has none.
  let offsets: [Int: Int]
  let byteCount: Int

  init(_ buffers: [Buffer], _ steps: [any Step], where isPlaced: (Int) -> Bool) {
    var spans: [Int: ClosedRange<Int>] = [:]
    for (index, step) in steps.enumerated() {
      for view in step.reads + step.writes where isPlaced(view.buffer) {
        let start = spans[view.buffer]?.lowerBound ?? index
        spans[view.buffer] = start...index
      }
    }
    let sorted = spans.sorted { $0.key < $1.key }
    let layout = ArenaLayout(
      sorted.map { ArenaLayout.Lifetime(byteCount: buffers[$0.key].byteCount, steps: $0.value) })
    offsets = Dictionary(uniqueKeysWithValues: zip(sorted.map(\.key), layout.offsets))
    byteCount = layout.byteCount
  }
}
