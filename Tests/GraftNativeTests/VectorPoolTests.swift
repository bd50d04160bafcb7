import NativeKernels
import Testing

/// Pooling, channels last, against windows gathered one by one.
@Suite struct VectorPoolTests {
  struct Geometry: CustomTestStringConvertible {
    var size = (7, 9)
    var channels = 5
    var kernel = (3, 2)
    var stride = (2, 1)
    var dilation = (1, 1)
    var padding = (0, 0, 0, 0)
    /// Rows of results below those that fit, whose windows reach out of the padding.
    var more = 0

    var testDescription: String { "\(size) \(channels) \(kernel) \(stride) \(dilation) \(padding) \(more)" }

    func count(_ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Int) -> Int {
      (size + padding - dilation * (kernel - 1) - 1) / stride + 1
    }

    var out: (Int, Int) {
      (
        count(size.0, kernel.0, stride.0, dilation.0, padding.0 + padding.2) + more,
        count(size.1, kernel.1, stride.1, dilation.1, padding.1 + padding.3)
      )
    }

    var pool: GraftPool {
      GraftPool(
        height: size.0, width: size.1, channels: channels, out_height: out.0, out_width: out.1, kernel_height: kernel.0,
        kernel_width: kernel.1, stride_height: stride.0, stride_width: stride.1, dilation_height: dilation.0,
        dilation_width: dilation.1, padding_top: padding.0, padding_left: padding.1, padding_bottom: padding.2,
        padding_right: padding.3)
    }

    /// The places of the window's elements, and how many of them are in the image or its padding.
    func window(_ y: Int, _ x: Int) -> (places: [Int], padded: Int) {
      var places: [Int] = [], padded = 0
      for i in 0..<kernel.0 {
        for j in 0..<kernel.1 {
          let row = y * stride.0 - padding.0 + i * dilation.0, column = x * stride.1 - padding.1 + j * dilation.1
          if row < size.0 + padding.2 && column < size.1 + padding.3 { padded += 1 }
          if (0..<size.0).contains(row) && (0..<size.1).contains(column) { places.append(row * size.1 + column) }
        }
      }
      return (places, padded)
    }
  }

  static let geometries = [
    Geometry(),
    Geometry(channels: 1, kernel: (1, 1), stride: (1, 1)),
    Geometry(channels: 16, kernel: (2, 2), stride: (2, 2), padding: (1, 1, 1, 1)),
    Geometry(channels: 40, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1)),
    Geometry(channels: 17, kernel: (3, 3), stride: (1, 2), dilation: (2, 3), padding: (2, 1, 2, 3)),
    Geometry(channels: 4, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1), more: 1),
    Geometry(channels: 3, kernel: (7, 9), stride: (1, 1)),
  ]

  @Test(arguments: VectorPath.allCases, geometries.indices) func pooling(path: VectorPath, index: Int) throws {
    try path.require()
    let geometry = Self.geometries[index], images = 2
    var pool = geometry.pool
    let kernels = graft_pooling(path.kernels).pointee
    var generator = SeededBits(seed: UInt64(index))
    let pixels = geometry.size.0 * geometry.size.1, channels = geometry.channels
    let x = (0..<images * pixels * channels).map { _ in
      Int.random(in: 0..<200, using: &generator) == 0 ? .nan : Float(Int.random(in: -99...99, using: &generator))
    }
    let (height, width) = geometry.out, results = images * height * width * channels
    var greatest = [Float](repeating: 7, count: results), places = [Int64](repeating: 7, count: results)
    var alone = greatest, present = greatest, padded = greatest, divided = greatest
    // In two parts, as tasks would be cut.
    for (first, rows) in [(0, 1), (1, images * height - 1)] {
      kernels.max_pool(&greatest, &places, x, &pool, first, rows)
      kernels.max_pool(&alone, nil, x, &pool, first, rows)
      kernels.average_pool(&present, x, &pool, 0, false, first, rows)
      kernels.average_pool(&padded, x, &pool, 0, true, first, rows)
      kernels.average_pool(&divided, x, &pool, 4, true, first, rows)
    }
    // The sums are whole numbers and exact; only the division rounds.
    func same(_ x: Float, _ y: Double) -> Bool { x == Float(y) || x.isNaN && y.isNaN }
    for at in 0..<results {
      let channel = at % channels, column = at / channels % width, row = at / channels / width % height
      let image = at / channels / width / height, window = geometry.window(row, column)
      let elements = window.places.map { x[(image * pixels + $0) * channels + channel] }
      let best = elements.contains(where: \.isNaN) ? .nan : elements.max() ?? -.infinity
      let place = elements.lastIndex(where: \.isNaN) ?? elements.firstIndex(of: best)
      let sum = elements.reduce(0) { $0 + Double($1) }
      let isRight =
        (greatest[at] == best || best.isNaN && greatest[at].isNaN) && greatest[at].bitPattern == alone[at].bitPattern
        && place.map { Int64(window.places[$0]) == places[at] } ?? true
        && same(present[at], elements.isEmpty ? 0 : sum / Double(elements.count))
        && same(padded[at], elements.isEmpty ? 0 : sum / Double(window.padded)) && same(divided[at], sum / 4)
      if !isRight { Issue.record("channel \(channel) of (\(row), \(column)) in image \(image)") }
    }
  }
}
