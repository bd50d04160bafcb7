import GraftIR

/// Adds float32 elements [N, C, ...] to their places in the images [N, C, ...] of a target, all channels last and without
/// gaps: the way back of maximum pooling.
struct ImageUnpoolStep: Step {
  let source: View
  /// Of int64, as the source.
  let places: View
  let target: View

  var name: String { "max unpool" }
  var reads: [View] { [source, places, target] }
  var writes: [View] { [target] }
  var flops: Int { source.count }
  private static let channelsPerTask = 32
  private var channels: Int { source.shape[1] }
  private var blocks: Int { (channels + Self.channelsPerTask - 1) / Self.channelsPerTask }
  var taskCount: Int { source.shape[0] * blocks }

  func run(task: Int, in frame: borrowing TaskFrame) throws {
    let (image, block) = (task / blocks, task % blocks)
    let pixels = source.count / (source.shape[0] * channels)
    let extent = target.count / (source.shape[0] * channels)
    let elements = frame.pointer(source, as: Float.self) + image * pixels * channels
    let at = frame.pointer(places, as: Int64.self) + image * pixels * channels
    let results = frame.pointer(target, as: Float.self) + image * extent * channels
    let first = block * Self.channelsPerTask
    let last = min(first + Self.channelsPerTask, channels)
    for pixel in 0..<pixels {
      for channel in pixel * channels + first..<pixel * channels + last {
        let place = Int(at[channel])
        guard place >= 0, place < extent else {
          throw NativeError("position \(place) is outside of \(target.shape.dropFirst(2)), which max_unpool writes to")
        }
        results[place * channels + channel - pixel * channels] += elements[channel]
      }
    }
  }
}
