import GraftEmit
import GraftIR

/// Writes the shapes of several instances of a function as one: `[N, C, 14, 14]`.
///
/// An extent that is the same in all of them is written as it is, one that differs as the letter that people give its
/// axis; extents that are equal in each instance have the same letter.
struct ShapeNotation {
  private var letters: [Extent: String] = [:]
  private var taken: Set<String>

  /// The size of an axis in each instance. A width has a letter of its own even where it is equal to a height.
  private struct Extent: Hashable {
    var sizes: [Dim]
    var isWidth: Bool
  }

  /// The longest size that is written as arithmetic.
  private static let longestSize = 8

  /// - Parameter symbols: the model's dynamic dimensions.
  init(symbols: some Sequence<String>) { taken = Set(symbols) }

  /// - Parameter shapes: the shape in each instance.
  mutating func text(_ shapes: [[Dim]]) -> String {
    guard let first = shapes.first, shapes.allSatisfy({ $0.count == first.count }) else { return "[...]" }
    let channelsLast = AxisLetters.areChannelsLast(shapes)
    let extents = first.indices.map { axis in
      let letters = AxisLetters.letters(axis: axis, rank: first.count, channelsLast: channelsLast)
      return extent(shapes.map { $0[axis] }, letters: letters)
    }
    return "[\(extents.joined(separator: ", "))]"
  }

  private mutating func extent(_ sizes: [Dim], letters usual: [String]) -> String {
    let text = sizes[0].description
    if sizes.allSatisfy({ $0 == sizes[0] }), text.count <= Self.longestSize { return text }
    let key = Extent(sizes: sizes, isWidth: usual[0] == "W")
    if let known = letters[key] { return known }
    let free = usual.first { !taken.contains($0) }
    var letter = free ?? usual[0]
    var number = 2
    while taken.contains(letter) {
      letter = "\(usual[0])\(number)"
      number += 1
    }
    taken.insert(letter)
    letters[key] = letter
    return letter
  }
}
