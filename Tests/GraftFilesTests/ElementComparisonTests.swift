import GraftIR
import Testing

import GraftFiles

@Suite struct ElementComparisonTests {
  @Test(arguments: [3, 1000, 5000])
  func matchesTheDefinition(count: Int) throws {
    var generator = CounterRandom(seed: UInt64(count))
    let reference = try TensorData(random: .normal(), dtype: .float64, shape: [count], using: &generator)
    for dtype in [DType.float16, .bfloat16, .float32, .float64] {
      let result = try TensorData(random: .normal(), dtype: dtype, shape: [count], using: &generator)
      let comparison = try ElementComparison(result, reference: reference)
      let errors = zip(result.doubles(), reference.doubles()).map { abs($0 - $1) }
      let worst = try #require(errors.max())
      #expect(comparison.maximumError == worst)
      #expect(comparison.worstIndex == errors.firstIndex(of: worst))
      #expect(comparison.scale == reference.doubles().map(abs).max())
      let rms = (errors.reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot()
      #expect(abs(comparison.rootMeanSquareError - rms) <= 1e-12 * rms)
      #expect(!comparison.hasMismatches)
    }
  }

  @Test func countsNaNAndInfinityMismatchesApart() throws {
    let (nan, inf) = (Double.nan, Double.infinity)
    let reference = try TensorData(shape: [8], elements: [nan, 1, inf, -inf, inf, 2, 3, nan])
    let result = try TensorData(shape: [8], elements: [nan, nan, inf, inf, 5, 2.5, -inf, 0])
    let comparison = try ElementComparison(result, reference: reference)
    #expect(comparison.nanMismatches == 2)
    #expect(comparison.infinityMismatches == 3)
    #expect(comparison.maximumError == 0.5)
    #expect(comparison.scale == 2)
    #expect(comparison.worstIndex == 1)
    #expect(comparison.rootMeanSquareError == 0.5)
  }

  @Test func comparesIntegersOfDifferentWidths() throws {
    let wide = try TensorData(shape: [4], elements: [1, -2, 3, Int64.max])
    let narrow = try TensorData(shape: [4], elements: [1, -2, 4, -1] as [Int32])
    let comparison = try ElementComparison(narrow, reference: wide)
    #expect(comparison.exactMismatches == 2)
    #expect(comparison.worstIndex == 2)
    let unsigned = try TensorData(shape: [2], elements: [UInt64.max, 5])
    let signed = try TensorData(shape: [2], elements: [-1, 5] as [Int64])
    #expect(try ElementComparison(signed, reference: unsigned).exactMismatches == 1)
    #expect(try ElementComparison(unsigned, reference: signed).exactMismatches == 1)
  }

  @Test func bytesThatMeanTrueAreEqual() throws {
    let reference = try TensorData(shape: [3], elements: [0, 1, 1] as [UInt8], dtype: .bool)
    let result = try TensorData(shape: [3], elements: [0, 255, 0] as [UInt8], dtype: .bool)
    let comparison = try ElementComparison(result, reference: reference)
    #expect(comparison.exactMismatches == 1)
    #expect(comparison.worstIndex == 2)
  }

  @Test func measuresComplexErrorsByModulus() throws {
    let reference = try TensorData(shape: [2], elements: [3, 4, 1e-200, 0], dtype: .complex128)
    let result = try TensorData(shape: [2], elements: [0, 0, 0, 0] as [Float], dtype: .complex64)
    let comparison = try ElementComparison(result, reference: reference)
    #expect(comparison.maximumError == 5)
    #expect(comparison.scale == 5)
    #expect(comparison.worstIndex == 0)
    let tiny = try TensorData(shape: [1], elements: [3e-200, 4e-200], dtype: .complex128)
    let zero = try TensorData(shape: [1], elements: [0.0, 0], dtype: .complex128)
    #expect(abs(try ElementComparison(zero, reference: tiny).maximumError / 5e-200 - 1) < 1e-15)
  }

  @Test func hugeValuesDoNotOverflow() throws {
    let reference = try TensorData(shape: [2], elements: [1e300, 1])
    let result = try TensorData(shape: [2], elements: [-1e300, 1])
    let comparison = try ElementComparison(result, reference: reference)
    #expect(comparison.maximumError == 2e300)
    #expect(comparison.infinityMismatches == 0)
    #expect(comparison.rootMeanSquareError.isFinite)
  }

  @Test func refusesWhatCannotBeCompared() throws {
    let floats = try TensorData(shape: [2], elements: [1.0, 2])
    let integers = try TensorData(shape: [2], elements: [1, 2] as [Int32])
    #expect(throws: TensorDataError.self) { try ElementComparison(integers, reference: floats) }
    #expect(throws: TensorDataError.self) { try ElementComparison(floats.reshaped([1, 2]), reference: floats) }
  }

  @Test func emptyTensorsAreEqual() throws {
    let empty = try TensorData(shape: [0, 3], elements: [Float]())
    let comparison = try ElementComparison(empty, reference: empty)
    #expect(comparison.maximumError == 0 && comparison.worstIndex == nil && !comparison.hasMismatches)
    #expect(comparison.maximumErrorRelativeToScale == 0 && comparison.rootMeanSquareError == 0)
  }
}
