/// The axes of an elementwise iteration: those of the result from the outermost in memory to the innermost, without those
/// of extent 1, and joined where every view goes on from one to the next.
struct ChainAxes {
  private(set) var extents: [Int]
  /// The strides of each view in elements, the result's last.
  private(set) var strides: [[Int]]

  init(_ sources: [View], _ target: View) {
    let views = sources + [target]
    let axes = target.order.filter { target.shape[$0] != 1 }
    extents = axes.map { target.shape[$0] }
    strides = views.map { view in axes.map { view.strides[$0] } }
    var axis = extents.count - 1
    while axis > 0 {
      if strides.allSatisfy({ $0[axis - 1] == $0[axis] * extents[axis] }) { join(axis) }
      axis -= 1
    }
    if extents.isEmpty {
      extents = [1]
      strides = views.map { _ in [1] }
    }
  }

  /// Whether a view goes on along an axis where the axis within ends.
  func goesOn(from axis: Int, view: Int) -> Bool {
    strides[view][axis] == strides[view][axis + 1] * extents[axis + 1]
  }

  /// Joins an axis and the one before it.
  private mutating func join(_ axis: Int) {
    extents[axis - 1] *= extents.remove(at: axis)
    for view in strides.indices { strides[view].remove(at: axis - 1) }
  }
}
