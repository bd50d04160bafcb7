import GraftFiles
import GraftIR

/// Makes the inputs that source and target are run on.
struct InputSampler {
  let function: GraftIR.Function
  let trace: TraceReply

  /// The input tensors for given sizes of the dynamic dimensions.
  ///
  /// The first sample at the traced sizes is the example that was traced; further ones are drawn from the range that
  /// was given, or else from the example's own values.
  func inputs(sizes: [String: Int], seed: Int, isFirst: Bool) throws -> [TensorData] {
    let traced = Dictionary(
      function.symbols.map { ($0.name, $0.sizes.first ?? 2) }, uniquingKeysWith: { a, _ in a })
    return try trace.document.inputLeaves.enumerated().map { index, leaf in
      let dims = leaf.shape.map(\.dim)
      guard let dtype = DType(name: leaf.dtype), let shape = concrete(dims, sizes), let example = concrete(dims, traced)
      else { throw Diagnostic(.internalError, "input \(index) has no concrete shape") }
      let original = try trace.example(index, shape: example)
      if isFirst, shape == example, let original { return original }
      var random = CounterRandom(seed: UInt64(truncatingIfNeeded: seed)).split(UInt64(index))
      if leaf.generated != true, let original {
        return try original.resampled(shape: shape, using: &random)
      }
      return try TensorData(
        random: distribution(dtype, range: leaf.range), dtype: dtype, shape: shape, using: &random)
    }
  }

  private func concrete(_ dims: [Dim], _ sizes: [String: Int]) -> [Int]? {
    let shape = dims.compactMap { $0.evaluate(sizes) }
    return shape.count == dims.count ? shape : nil
  }

  private func distribution(_ dtype: DType, range: [Double]?) -> RandomDistribution {
    if let range, range.count == 2 {
      if dtype.isInteger { return .integers(Int64(range[0])...max(Int64(range[0]), Int64(range[1]) - 1)) }
      return .uniform(range[0]..<range[1])
    }
    if dtype == .bool { return .bernoulli(probability: 0.5) }
    return dtype.isFloating || dtype.isComplex ? .normal() : .integers(0...1)
  }
}

extension TensorData {
  /// Elements drawn from this tensor's own, so that they keep to its range and kind; a tensor of the same shape is
  /// returned as it is, since its elements may depend on one another.
  fileprivate func resampled(shape: [Int], using random: inout CounterRandom) throws -> TensorData {
    if shape == self.shape || count == 0 { return self }
    let width = dtype.byteWidth
    var generator = random
    let result = try TensorData(dtype: dtype, shape: shape) { destination in
      withUnsafeBytes { source in
        for position in stride(from: 0, to: destination.count, by: width) {
          let pick = Int(generator.nextInteger(in: 0...Int64(count - 1))) * width
          for byte in 0..<width { destination[position + byte] = source[pick + byte] }
        }
      }
    }
    random = generator
    return result
  }
}
