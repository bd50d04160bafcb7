/// What people call the axes of tensors: batch, time, features; channels, height, width.
package enum AxisLetters {
  /// The letters of an axis, the usual one first.
  ///
  /// - Parameter channelsLast: whether the channels of images come after height and width.
  package static func letters(axis: Int, rank: Int, channelsLast: Bool = false) -> [String] {
    let channels = ["C", "D", "E"]
    let features = ["D", "E", "F"]
    let names: [[String]]
    switch rank {
    case 0, 1: names = [["N"]]
    case 2: names = [["N"], features]
    case 3: names = [["N"], ["T", "S"], features]
    case 4: names = channelsLast ? [["N"], ["H"], ["W"], channels] : [["N"], channels, ["H"], ["W"]]
    case 5: names = [["N"], channels, ["D"], ["H"], ["W"]]
    default: names = [["N"]]
    }
    return axis < names.count ? names[axis] : ["S"]
  }

  /// Whether the shapes of all instances are those of square images with the channels last.
  package static func areChannelsLast(_ shapes: [[some Equatable]]) -> Bool {
    !shapes.isEmpty && shapes.allSatisfy { $0.count == 4 && $0[1] == $0[2] && $0[2] != $0[3] }
  }
}
