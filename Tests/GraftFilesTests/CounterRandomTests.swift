@testable import GraftFiles
import GraftIR
import Testing

@Suite struct CounterRandomTests {
  @Test func matchesPublishedSplitMix64Numbers() {
    var generator = CounterRandom(seed: 0)
    #expect(generator.next() == 0xE220_A839_7B1D_CDAF)
    #expect(generator.next() == 0x6E78_9E6A_A1B9_65F4)
    #expect(generator.next() == 0x06C4_5D18_8009_454F)
    #expect(generator.next() == 0xF88B_B8A8_724C_81EC)
  }

  @Test func splitStreamsDiffer() {
    let root = CounterRandom(seed: 7)
    var numbers: Set<UInt64> = []
    for stream in 0..<1000 as Range<UInt64> {
      var generator = root.split(stream)
      numbers.insert(generator.next())
    }
    #expect(numbers.count == 1000)
  }

  @Test func normalsHaveTheDistributionsMoments() throws {
    var generator = CounterRandom(seed: 1)
    let count = 1 << 18
    let values = try TensorData(random: .normal(), dtype: .float64, shape: [count], using: &generator).doubles()
    for (power, expected) in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)] {
      var sum = 0.0
      for value in values { sum += (0..<power).reduce(1.0) { product, _ in product * value } }
      // The variance of x^p is E[x^2p] - E[x^p]^2, at most E[x^12] = 10395 here; five standard errors.
      let variance = [1: 1.0, 2: 2.0, 3: 15.0, 4: 96.0, 6: 10170.0][power, default: 0]
      #expect(abs(sum / Double(count) - expected) < 5 * (variance / Double(count)).squareRoot())
    }
    // Probability of |x| > 3.5 is 4.65e-4: the tail branches are drawn from.
    let tail = values.count { abs($0) > 3.5 }
    #expect(tail > 70 && tail < 175)
  }

  @Test func integersCoverTheirRangeAndNothingElse() throws {
    var generator = CounterRandom(seed: 2)
    let data = try TensorData(random: .integers(-3...4), dtype: .int8, shape: [4096], using: &generator)
    #expect(Set(data.doubles()) == Set((-3...4).map(Double.init)))
    let flags = try TensorData(random: .bernoulli(probability: 0.5), dtype: .bool, shape: [4096], using: &generator)
    let ones = try flags.withElements(of: UInt8.self) { Set($0) }
    #expect(ones == [0, 1])
  }

  @Test func refusesDistributionsThatDoNotFit() {
    var generator = CounterRandom(seed: 3)
    #expect(throws: TensorDataError.self) {
      try TensorData(random: .normal(), dtype: .int32, shape: [2], using: &generator)
    }
    #expect(throws: TensorDataError.self) {
      try TensorData(random: .integers(0...256), dtype: .uint8, shape: [2], using: &generator)
    }
    #expect(throws: TensorDataError.self) {
      try TensorData(random: .integers(0...1), dtype: .bool, shape: [2], using: &generator)
    }
  }
}

@Suite struct NormalQuantileTests {
  /// Values computed with mpmath at 40 digits; the three branches of the algorithm and both signs.
  @Test(arguments: [
    (0.0, 0.0), (0.25, 0.6744897501960817), (-0.25, -0.6744897501960817), (0.425, 1.4395314709384563),
    (0.4375, 1.5341205443525463), (-0.499, -3.090232306167813), (0.5 - 0x1p-30, 6.0093535655307439),
    (-0.5 + 0x1p-53, -8.209536151601387), (-0.5 + 0x1p-54, -8.2923610758135954),
  ])
  func matchesReferenceValues(centred: Double, expected: Double) {
    #expect(abs(normalQuantile(centred) - expected) <= 1e-14 * abs(expected))
  }
}
