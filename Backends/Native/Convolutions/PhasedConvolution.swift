import GraftIR

extension Planner {
  /// A convolution over pixels that are spread, zeros between, without multiplying by the zeros: output pixels whose places
  /// have the same remainder by the spread meet the same taps, and are a convolution of their own over the pixels as they
  /// were. Nil where strides or dilations are in the way.
  ///
  /// With output pixels o = s m + a, taps k = k₀ + s j, where k₀ = (p - a) mod s, meet input pixels m + j - (p - a - k₀) / s.
  ///
  /// - Parameters:
  ///   - x: [N, C, ...], not spread.
  ///   - weight: [O, C / groups, ...].
  ///   - shape: [N, O, ...].
  ///   - spread: how far apart the pixels are in the convolution's input, per spatial axis.
  func phasedConvolution(
    _ x: View, _ weight: View, _ shape: [Int], _ attributes: ConvolutionShape, spread: [Int]
  ) throws -> Expression? {
    let isPlain = (attributes.stride + attributes.dilation).allSatisfy { $0 == 1 }
    let count = spread.reduce(1) { min($0, Self.mostPhases + 1) * min($1, Self.mostPhases + 1) }
    guard x.dtype == .float32, isPlain, count <= Self.mostPhases, !shape.contains(0), x.count > 0 else { return nil }
    let pixels = try channelsLast(x)
    let target = try allocate(shape, .float32, order: shape.channelsLast)
    for number in 0..<count {
      let phase = Self.remainders(number, spread)
      let places = target.sliced(
        starts: [0, 0] + phase, stops: shape, steps: [1, 1] + spread)
      if places.count == 0 { continue }
      try compute(self.phase(phase, of: pixels, weight, places.shape, attributes, spread: spread), into: places)
    }
    return Expression(target)
  }

  private static let mostPhases = 64

  /// The remainders of a phase along each axis, the last the fastest.
  private static func remainders(_ number: Int, _ spread: [Int]) -> [Int] {
    var (rest, remainders) = (number, spread)
    for axis in spread.indices.reversed() {
      (rest, remainders[axis]) = rest.quotientAndRemainder(dividingBy: spread[axis])
    }
    return remainders
  }

  /// The output pixels of one phase, under their own shape.
  private func phase(
    _ phase: [Int], of x: View, _ weight: View, _ shape: [Int], _ attributes: ConvolutionShape, spread: [Int]
  ) throws -> Expression {
    let firstTaps = phase.indices.map { axis in
      let distance = (attributes.low[axis] - phase[axis]) % spread[axis]
      return distance < 0 ? distance + spread[axis] : distance
    }
    let zeros = Expression(.scalar(.int(0)), dtype: x.dtype, shape: shape)
    guard zip(firstTaps, weight.shape.dropFirst(2)).allSatisfy({ $0 < $1 }) else { return zeros }
    var own = attributes
    own.low = phase.indices.map { (attributes.low[$0] - phase[$0] - firstTaps[$0]) / spread[$0] }
    let taps = weight.sliced(starts: [0, 0] + firstTaps, stops: weight.shape, steps: [1, 1] + spread)
    return Expression(try view(convolution(x, taps, shape, own)))
  }
}
