import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

/// Weights are packed once for all that read them in the same form, and again for each other form.
@Suite struct PackedWeightTests {
  private func random(_ dtype: DType, _ shape: Int..., seed: UInt64) throws -> TensorData {
    var random = CounterRandom(seed: seed)
    return try TensorData(random: .normal(standardDeviation: 0.3), dtype: dtype, shape: shape, using: &random)
  }

  /// The results in float32 beside those in float64, which no weight is packed for.
  private func expectSameAsUnpacked(
    _ body: (DType) -> String, returning returns: String, inputs: (DType) throws -> [TensorData]
  ) throws {
    let expected = try NativeText.run(body(.float64), returning: returns, inputs(.float64))
    for threads in [1, 2] {
      let results = try NativeText.run(body(.float32), returning: returns, inputs(.float32), threads: threads)
      for (result, exact) in zip(results, expected) {
        #expect(result.shape == exact.shape)
        let error = zip(result.doubles(), exact.doubles()).map { abs($0 - $1) }.max() ?? 0
        #expect(error < 1e-4)
      }
    }
  }

  private let window = "{dilation = [1, 1], padding = [1, 1, 1, 1], stride = [1, 1]}"

  /// The larger image is convolved by minimal filtering, the smaller one directly.
  @Test func aConvolutionsWeightServesImagesOfSeveralSizes() throws {
    try expectSameAsUnpacked(
      { dtype in
        """
        %a.3 = conv(%x0.0, %x2.2) \(window) : \(dtype.shortName)[1,16,64,64]
        %b.4 = conv(%x1.1, %x2.2) \(window) : \(dtype.shortName)[1,16,4,4]
        %c.5 = conv(%a.3, %x2.2) \(window) : \(dtype.shortName)[1,16,64,64]
        """
      }, returning: "%b.4, %c.5"
    ) {
      [
        try random($0, 1, 16, 64, 64, seed: 1), try random($0, 1, 16, 4, 4, seed: 2),
        try random($0, 16, 16, 3, 3, seed: 3),
      ]
    }
  }

  /// 18 x 1 x 3 weights are those of one group of 1 channel, and of 9 groups of 1.
  @Test func aConvolutionsWeightServesSeveralNumbersOfGroups() throws {
    try expectSameAsUnpacked(
      { dtype in
        """
        %a.3 = conv(%x0.0, %x2.2) {dilation = [1], padding = [1, 1], stride = [1]} : \(dtype.shortName)[2,18,7]
        %b.4 = conv(%x1.1, %x2.2) {dilation = [1], padding = [1, 1], stride = [1], groups = 9} : \(dtype.shortName)[2,18,7]
        """
      }, returning: "%a.3, %b.4"
    ) { [try random($0, 2, 1, 7, seed: 1), try random($0, 2, 9, 7, seed: 2), try random($0, 18, 1, 3, seed: 3)] }
  }

  /// What does not change in a loop is packed before it, for each form.
  @Test func weightsAreReadInAndAfterALoop() throws {
    try expectSameAsUnpacked(
      { dtype in
        """
        %last.9 = scan([%x0.0], []) {count = 3, reverse = false} { (%s.4: \(dtype.shortName)[1,16,64,64])
          %a.5 = conv(%s.4, %x2.2) \(window) : \(dtype.shortName)[1,16,64,64]
          %t.6 = tanh(%a.5) : \(dtype.shortName)[1,16,64,64]
          return %t.6
        } : \(dtype.shortName)[1,16,64,64]
        %b.10 = conv(%x1.1, %x2.2) \(window) : \(dtype.shortName)[1,16,4,4]
        %c.11 = conv(%last.9, %x2.2) \(window) : \(dtype.shortName)[1,16,64,64]
        """
      }, returning: "%b.10, %c.11"
    ) {
      [
        try random($0, 1, 16, 64, 64, seed: 1), try random($0, 1, 16, 4, 4, seed: 2),
        try random($0, 16, 16, 3, 3, seed: 3),
      ]
    }
  }
}
