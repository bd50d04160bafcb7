import GraftIR
import Testing

@testable import GraftNative

@Suite struct ViewTests {
  private let whole = View(buffer: 0, dtype: .float32, rowMajor: [2, 3, 4])

  /// Where the elements lie, in row-major order.
  private func places(_ view: View) -> [Int] {
    (0..<view.count).map { view.offset + view.offset(ofLeading: $0, view.shape) }
  }

  @Test func rowMajorViewsCountUp() {
    #expect(places(whole) == Array(0..<24))
    #expect(whole.isRowMajor)
  }

  @Test func slicesOfFlipsOfTransposesSeeTheSameElements() {
    let view = whole.transposed([2, 0, 1]).flipped([0]).sliced(
      starts: [1, 0, 0], stops: [4, 2, 3], steps: [2, 1, 2])
    #expect(view.shape == [2, 2, 2])
    #expect(places(view) == [2, 10, 14, 22, 0, 8, 12, 20])
  }

  @Test func reshapesJoinAndSplitAxesWithoutMoving() {
    #expect(places(whole.reshaped([6, 4]) ?? whole) == Array(0..<24))
    let split = whole.transposed([1, 0, 2]).reshaped([3, 2, 2, 1, 2])
    #expect(split.map(places) == places(whole.transposed([1, 0, 2])))
    #expect(whole.transposed([1, 0, 2]).reshaped([6, 4]) == nil)
    #expect(whole.sliced(starts: [0, 0, 0], stops: [2, 3, 2], steps: [1, 1, 1]).reshaped([2, 6]) == nil)
  }

  @Test func reshapesOfNothingAndOfOneElement() {
    let none = View(buffer: 0, dtype: .float32, rowMajor: [2, 0, 3])
    #expect(none.reshaped([0, 7])?.shape == [0, 7])
    let one = View(buffer: 0, dtype: .float32, rowMajor: [1, 1])
    #expect(one.reshaped([])?.shape == [])
    #expect(one.reshaped([1, 1, 1])?.count == 1)
  }

  @Test func broadcastAxesHaveNoStride() {
    let row = View(buffer: 0, dtype: .float32, rowMajor: [1, 3]).broadcast(to: [2, 4, 3])
    #expect(row.strides == [0, 0, 1])
    #expect(places(row).suffix(3) == [0, 1, 2])
  }

  @Test func layoutIsTheOrderOfStrides() {
    let channelsLast = View(buffer: 0, dtype: .float32, shape: [2, 3, 5, 7], order: [0, 2, 3, 1])
    #expect(channelsLast.strides == [105, 1, 21, 3])
    #expect(channelsLast.order == [0, 2, 3, 1])
    #expect(!channelsLast.isRowMajor)
  }
}
