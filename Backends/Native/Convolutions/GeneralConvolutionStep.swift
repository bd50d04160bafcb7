import GraftIR

/// A convolution of any element type and rank, element by element: x [N, C, ...] with weight [O, C / groups, ...].
struct GeneralConvolutionStep<Element: NativeNumber>: Step {
  let x: View
  let weight: View
  let target: View
  let shape: ConvolutionShape

  var name: String { "conv \(x.dtype.shortName)" }
  var reads: [View] { [x, weight] }
  var writes: [View] { [target] }
  var flops: Int { 2 * target.count * weight.shape.dropFirst().reduce(1, *) }
  /// One task for each example and output channel.
  var taskCount: Int { max(1, target.shape[0] * target.shape[1]) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    guard target.count > 0 else { return }
    let (example, channel) = (task / target.shape[1], task % target.shape[1])
    let perGroup = weight.shape[1]
    let group = channel / (weight.shape[0] / shape.groups)
    let input = frame.pointer(x, as: Element.self) + example * x.strides[0] + group * perGroup * x.strides[1]
    let kernel = frame.pointer(weight, as: Element.self) + channel * weight.strides[0]
    let output = frame.pointer(target, as: Element.self) + example * target.strides[0] + channel * target.strides[1]
    let (extents, taps) = (Array(target.shape.dropFirst(2)), Array(weight.shape.dropFirst(2)))
    var position = Array(repeating: 0, count: extents.count)
    repeat {
      var sum = Element.zero
      var tap = Array(repeating: 0, count: taps.count)
      repeat {
        guard let offset = inputOffset(position, tap) else { continue }
        let place = kernel + tap.indices.reduce(0) { $0 + tap[$1] * weight.strides[$1 + 2] }
        for c in 0..<perGroup {
          sum = sum.adding(input[offset + c * x.strides[1]].multiplied(by: place[c * weight.strides[1]]))
        }
      } while Self.advance(&tap, within: taps)
      output[position.indices.reduce(0) { $0 + position[$1] * target.strides[$1 + 2] }] = sum
    } while Self.advance(&position, within: extents)
  }

  /// The distance of the element that a tap meets from the start of its channel; nil in the padding.
  private func inputOffset(_ position: [Int], _ tap: [Int]) -> Int? {
    var offset = 0
    for axis in position.indices {
      let place = position[axis] * shape.stride[axis] + tap[axis] * shape.dilation[axis] - shape.low[axis]
      guard place >= 0, place < x.shape[axis + 2] else { return nil }
      offset += place * x.strides[axis + 2]
    }
    return offset
  }

  /// Moves to the next place in row-major order; false after the last.
  private static func advance(_ position: inout [Int], within extents: [Int]) -> Bool {
    for axis in extents.indices.reversed() {
      position[axis] += 1
      if position[axis] < extents[axis] { return true }
      position[axis] = 0
    }
    return false
  }
}
