import GraftIR

/// A reduction of rows or columns that lie in memory as those of matrices.
struct MatrixReductionStep: Step {
  /// Axes that stay, joined where they can be, without the innermost of them.
  private struct Outer: Sendable {
    var extent: Int
    var stride: Int
  }

  private let kind: ReductionKind
  private let source: View
  private let target: View
  private let kernel: ReductionKernel
  private let isOfColumns: Bool
  private let outer: [Outer]
  /// Results of one matrix, which lie next to each other.
  private let count: Int
  /// Elements of one result.
  private let length: Int
  /// Between the rows of a matrix, in elements.
  private let stride: Int

  /// - Parameters:
  ///   - source: the axes that stay, then those that go.
  ///   - target: the axes that stay, row-major.
  /// - Returns: nil where the elements do not lie as a matrix's, or the type has no kernel.
  init?(_ kind: ReductionKind, _ source: View, _ target: View, _ path: KernelPath) {
    let (kept, reduced) = Self.runs(of: source, kept: target.rank)
    guard source.count > 0, reduced.count == 1, kept.allSatisfy({ $0.stride >= 0 }) else { return nil }
    let inner = kept.last ?? Outer(extent: 1, stride: 1)
    if reduced[0].stride == 1 {
      (isOfColumns, stride) = (false, inner.stride)
    } else if inner.stride == 1, inner.extent > 1, reduced[0].stride > 0 {
      (isOfColumns, stride) = (true, reduced[0].stride)
    } else {
      return nil
    }
    guard let kernel = ReductionKernel(path, kind, source.dtype, ofColumns: isOfColumns) else { return nil }
    (self.kind, self.source, self.target, self.kernel) = (kind, source, target, kernel)
    outer = Array(kept.dropLast())
    (count, length) = (inner.extent, reduced[0].extent)
  }

  /// Whether the axes after the first `kept` are several in memory too.
  static func isOfSeveralAxes(_ source: View, kept: Int) -> Bool { runs(of: source, kept: kept).reduced.count > 1 }

  private static func runs(of source: View, kept: Int) -> (kept: [Outer], reduced: [Outer]) {
    (
      joined(source.shape.prefix(kept), source.strides.prefix(kept)),
      joined(source.shape.dropFirst(kept), source.strides.dropFirst(kept))
    )
  }

  private static func joined(_ extents: ArraySlice<Int>, _ strides: ArraySlice<Int>) -> [Outer] {
    var runs: [Outer] = []
    for (extent, stride) in zip(extents, strides) where extent != 1 {
      if let last = runs.last, last.stride == extent * stride {
        runs[runs.count - 1] = Outer(extent: last.extent * extent, stride: stride)
      } else {
        runs.append(Outer(extent: extent, stride: stride))
      }
    }
    return runs
  }

  var name: String { "\(kind.rawValue) of \(isOfColumns ? "columns" : "rows")" }
  var reads: [View] { [source] }
  var writes: [View] { [target] }
  var flops: Int { source.count }
  private var matrices: Int { outer.reduce(1) { $0 * $1.extent } }
  /// Results of a task; of columns at least a few cache lines.
  private var resultsPerTask: Int {
    let balanced = max(1, 32_768 / max(length, 1))
    return min(count, isOfColumns ? balanced.roundedUp(to: 64) : balanced)
  }
  private var tasksPerMatrix: Int { (count + resultsPerTask - 1) / resultsPerTask }
  var taskCount: Int { max(1, matrices * tasksPerMatrix) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let (matrix, first) = (task / tasksPerMatrix, task % tasksPerMatrix * resultsPerTask)
    let results = min(resultsPerTask, count - first)
    var (rest, offset) = (matrix, first * (isOfColumns ? 1 : stride))
    for axis in outer.reversed() {
      offset += rest % axis.extent * axis.stride
      rest /= axis.extent
    }
    let width = source.dtype.byteWidth
    kernel.function(
      frame.raw(target) + (matrix * count + first) * width, frame.raw(source) + offset * width, stride, results, length)
  }
}
