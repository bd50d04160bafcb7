/// A path with `*` for any text.
package struct PathPattern: Sendable {
  private let pieces: [Substring]

  package init(_ pattern: String) { pieces = pattern.split(separator: "*", omittingEmptySubsequences: false) }

  /// Whether a path is like the pattern from its beginning to its end.
  package func matches(_ path: String) -> Bool {
    guard pieces.count > 1 else { return path == pieces.first.map(String.init) }
    guard let first = pieces.first, let last = pieces.last, path.hasPrefix(first) else { return false }
    var rest = Substring(path.dropFirst(first.count))
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = rest.range(of: piece) else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.count >= last.count && rest.hasSuffix(last)
  }
}
