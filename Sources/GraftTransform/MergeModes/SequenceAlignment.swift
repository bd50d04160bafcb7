/// Which elements of two sequences correspond, by their keys.
enum SequenceAlignment {
  /// Pairs of indices, increasing in both, of elements with equal keys.
  ///
  /// The n-th occurrence of a key in one sequence can only meet its n-th in the other; among those meetings this is the
  /// longest increasing sequence (Fredman, 1975), found in O(n log n).
  static func align<Key: Hashable>(_ a: [Key], _ b: [Key]) -> [(Int, Int)] {
    let places = Dictionary(
      occurrences(b).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let meetings = occurrences(a).enumerated().compactMap { index, key in places[key].map { (index, $0) } }
    // For each length, the meeting that ends an increasing sequence of it with the smallest index in b.
    var ends: [Int] = []
    var previous = [Int?](repeating: nil, count: meetings.count)
    for (index, meeting) in meetings.enumerated() {
      var (low, high) = (0, ends.count)
      while low < high {
        let middle = (low + high) / 2
        if meetings[ends[middle]].1 < meeting.1 { low = middle + 1 } else { high = middle }
      }
      previous[index] = low > 0 ? ends[low - 1] : nil
      if low == ends.count { ends.append(index) } else { ends[low] = index }
    }
    var chain: [(Int, Int)] = []
    var next = ends.last
    while let index = next {
      chain.append(meetings[index])
      next = previous[index]
    }
    return chain.reversed()
  }

  private struct Occurrence<Key: Hashable>: Hashable {
    let key: Key
    let number: Int
  }

  private static func occurrences<Key: Hashable>(_ keys: [Key]) -> [Occurrence<Key>] {
    var counts: [Key: Int] = [:]
    return keys.map { key in
      counts[key, default: 0] += 1
      return Occurrence(key: key, number: counts[key, default: 0])
    }
  }
}
