package import GraftIR

/// What random tensor elements are drawn from.
package enum RandomDistribution: Sendable, Equatable {
  /// Real numbers; complex numbers get both components from it.
  case normal(mean: Double = 0, standardDeviation: Double = 1)
  /// Real numbers from the half-open interval; complex numbers get both components from it. After rounding to a
  /// narrow dtype the upper bound can occur.
  case uniform(Range<Double>)
  /// Integers, in any dtype that is not bool.
  case integers(ClosedRange<Int64>)
  /// True with this probability, for bool; otherwise 1 and 0.
  case bernoulli(probability: Double)
}

extension TensorData {
  /// A tensor of random elements; the same for the same generator state, on every machine.
  ///
  /// Every element (every component, when complex) takes one number from the generator, in row-major order. Throws
  /// `TensorDataError` when the distribution does not fit the dtype: real numbers need a floating or complex one,
  /// integers must be in its range.
  package init(
    random distribution: RandomDistribution, dtype: DType, shape: [Int], using generator: inout CounterRandom
  ) throws {
    try Self.check(distribution, fits: dtype)
    var local = generator
    try self.init(dtype: dtype, shape: shape) { buffer in
      switch distribution {
      case .normal(let mean, let deviation):
        fillReal(buffer, dtype, &local) { mean + deviation * $0.nextNormal() }
      case .uniform(let range):
        let width = range.upperBound - range.lowerBound
        fillReal(buffer, dtype, &local) { range.lowerBound + width * $0.nextUnit() }
      case .integers(let range):
        fillInteger(buffer, dtype, &local) { $0.nextInteger(in: range) }
      case .bernoulli(let probability):
        fillInteger(buffer, dtype, &local) { $0.nextUnit() < probability ? 1 : 0 }
      }
    }
    generator = local
  }

  private static func check(_ distribution: RandomDistribution, fits dtype: DType) throws {
    switch distribution {
    case .normal, .uniform:
      guard dtype.isFloating || dtype.isComplex else {
        throw TensorDataError("random real numbers do not fit dtype \(dtype.rawValue)")
      }
    case .integers(let range):
      guard dtype != .bool, dtype != .key else {
        throw TensorDataError("random integers do not fit dtype \(dtype.rawValue)")
      }
      guard !dtype.isInteger || integerRange(of: dtype).contains(range) else {
        throw TensorDataError("random integers \(range) do not fit dtype \(dtype.rawValue)")
      }
    case .bernoulli(let probability):
      guard (0...1).contains(probability) else {
        throw TensorDataError("\(probability) is not a probability")
      }
    }
  }

  private static func integerRange(of dtype: DType) -> ClosedRange<Int64> {
    let bits = 8 * dtype.byteWidth
    if dtype.isSigned { return (Int64.min >> (64 - bits))...(Int64.max >> (64 - bits)) }
    return 0...(bits == 64 ? Int64.max : (1 << bits) - 1)
  }
}

/// Draws one number per component and rounds it to the dtype.
@inline(__always)
private func fillReal(
  _ buffer: UnsafeMutableRawBufferPointer, _ dtype: DType, _ generator: inout CounterRandom,
  _ draw: (inout CounterRandom) -> Double
) {
  switch dtype.realType {
  case .float64: fill(buffer, as: Double.self, &generator) { draw(&$0) }
  case .float32: fill(buffer, as: Float.self, &generator) { Float(draw(&$0)) }
  case .float16: fill(buffer, as: UInt16.self, &generator) { HalfPrecision.float16(from: Float(draw(&$0))) }
  case .bfloat16: fill(buffer, as: UInt16.self, &generator) { HalfPrecision.bfloat16(from: Float(draw(&$0))) }
  default: break
  }
}

/// Draws one integer per element; for floating and complex dtypes they are converted, imaginary parts included.
@inline(__always)
private func fillInteger(
  _ buffer: UnsafeMutableRawBufferPointer, _ dtype: DType, _ generator: inout CounterRandom,
  _ draw: (inout CounterRandom) -> Int64
) {
  switch dtype {
  case .bool, .uint8, .int8: fill(buffer, as: UInt8.self, &generator) { UInt8(truncatingIfNeeded: draw(&$0)) }
  case .uint16, .int16: fill(buffer, as: UInt16.self, &generator) { UInt16(truncatingIfNeeded: draw(&$0)) }
  case .uint32, .int32: fill(buffer, as: UInt32.self, &generator) { UInt32(truncatingIfNeeded: draw(&$0)) }
  case .uint64, .int64: fill(buffer, as: UInt64.self, &generator) { UInt64(truncatingIfNeeded: draw(&$0)) }
  default: fillReal(buffer, dtype, &generator) { Double(draw(&$0)) }
  }
}

@inline(__always)
private func fill<Element: BitwiseCopyable>(
  _ buffer: UnsafeMutableRawBufferPointer, as type: Element.Type, _ generator: inout CounterRandom,
  _ draw: (inout CounterRandom) -> Element
) {
  let elements = buffer.bindMemory(to: Element.self)
  for index in 0..<elements.count { elements[index] = draw(&generator) }
}
