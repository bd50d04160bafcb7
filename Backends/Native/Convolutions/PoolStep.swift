import GraftIR
import NativeKernels

/// Pooling of float32 images, channels last and without gaps.
struct PoolStep: Step {
  enum Kind: Sendable {
    /// - Parameter places: of int64, laid out as the result: where in its image each maximum is.
    case maximum(places: View? = nil)
    /// - Parameter divisor: what sums are divided by; 0 for the number of elements.
    case average(divisor: Double, includesPadding: Bool)
  }

  private let kind: Kind
  private let source: View
  private let target: View
  private let shape: GraftPool
  private let path: KernelPath

  init(kind: Kind, source: View, target: View, attributes: PoolAttributes, path: KernelPath) {
    self.kind = kind
    self.source = source
    self.target = target
    self.path = path
    /// Height and width; one spatial axis is the width.
    func two(_ values: [Int], _ missing: Int) -> (Int, Int) {
      values.count == 2 ? (values[0], values[1]) : (missing, values[0])
    }
    shape = {
      var pool = GraftPool()
      (pool.height, pool.width) = two(Array(source.shape.dropFirst(2)), 1)
      (pool.out_height, pool.out_width) = two(Array(target.shape.dropFirst(2)), 1)
      (pool.kernel_height, pool.kernel_width) = two(attributes.kernel, 1)
      (pool.stride_height, pool.stride_width) = two(attributes.stride, 1)
      (pool.dilation_height, pool.dilation_width) = two(attributes.dilation, 1)
      let axes = attributes.kernel.indices
      (pool.padding_top, pool.padding_left) = two(axes.map { attributes.padding[2 * $0] }, 0)
      (pool.padding_bottom, pool.padding_right) = two(axes.map { attributes.padding[2 * $0 + 1] }, 0)
      pool.channels = source.shape[1]
      return pool
    }()
  }

  var name: String {
    switch kind {
    case .maximum(let places): places == nil ? "max_pool" : "max_pool with places"
    case .average: "avg_pool"
    }
  }
  var reads: [View] { [source] }
  var writes: [View] { if case .maximum(let places?) = kind { [target, places] } else { [target] } }
  var flops: Int { target.count * shape.kernel_height * shape.kernel_width }
  private var rows: Int { target.shape[0] * shape.out_height }
  private var rowsPerTask: Int {
    max(1, 16_384 / max(1, shape.out_width * shape.channels * shape.kernel_height * shape.kernel_width / 4))
  }
  var taskCount: Int { max(1, (rows + rowsPerTask - 1) / rowsPerTask) }

  func run(task: Int, in frame: borrowing TaskFrame) {
    let first = task * rowsPerTask
    let count = min(rowsPerTask, rows - first)
    let kernels = graft_pooling(path.kernels).pointee
    let x: UnsafeMutablePointer<Float> = frame.pointer(source)
    let y: UnsafeMutablePointer<Float> = frame.pointer(target)
    withUnsafePointer(to: shape) { shape in
      switch kind {
      case .maximum(let places): kernels.max_pool(y, places.map { frame.pointer($0) }, x, shape, first, count)
      case .average(let divisor, let includesPadding):
        kernels.average_pool(y, x, shape, divisor, includesPadding, first, count)
      }
    }
  }
}
