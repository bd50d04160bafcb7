import Foundation
import GraftFiles
import GraftIR
import Testing

@testable import GraftNative

/// Functions written as text, run by the kernels.
enum NativeText {
  /// The results of a function whose body is `body`, which returns `returns`, for inputs %x0, %x1 and so on.
  ///
  /// - Parameter drawing: whether it has a random key, %key.
  static func run(
    _ body: String, returning returns: String, _ inputs: [TensorData] = [], drawing: Bool = false, seed: UInt64 = 0,
    isTraining: Bool = false, threads: Int = 1
  ) throws -> [TensorData] {
    let kernels = NativeKernelSet(try KernelPath.choose(environment: [:]))
    let program = try NativeProgram(
      function(body, returning: returns, inputs, drawing: drawing), kernels: kernels,
      pool: ThreadPool(width: threads), isTraining: isTraining
    ) { _ in nil }
    return try program.run(inputs, seed: seed)
  }

  /// The function itself.
  static func function(
    _ body: String, returning returns: String, _ inputs: [TensorData], drawing: Bool = false
  ) throws -> Function {
    var arguments = inputs.enumerated().map { index, tensor in
      "  %x\(index).\(index): \(tensor.dtype.shortName)[\(tensor.shape.map(String.init).joined(separator: ","))]"
        + " = input #\(index)"
    }
    if drawing { arguments.append("  %key.\(inputs.count): key[] = key") }
    let count = returns.split(separator: ",").count
    let outputs = count == 1 ? "#0" : "(" + (0..<count).map { "#\($0)" }.joined(separator: ", ") + ")"
    let names = inputs.indices.map { "\"x\($0)\"" }.joined(separator: ", ")
    let fields = inputs.indices.map { "\"x\($0)\": #\($0)" }.joined(separator: ", ")
    let text = """
      function f ""
      symbols {
      }
      arguments {
      \(arguments.joined(separator: "\n"))
      }
      inputs {\(fields)} names [\(names)]
      outputs \(outputs)
      body {
      \(body.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
        return \(returns)
      }
      """
    return try IRParser.parse(text)
  }
}

@Suite struct PhiloxTests {
  /// The known answers that come with the authors' implementation, Random123.
  @Test func givesThePublishedNumbers() {
    func words(_ key: UInt64, _ counter: UInt64, _ stream: UInt64) -> [UInt32] {
      let (low, high) = Philox(key: key, stream: stream).block(counter)
      return [low, low >> 32, high, high >> 32].map { UInt32(truncatingIfNeeded: $0) }
    }
    #expect(words(0, 0, 0) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(words(.max, .max, .max) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      words(0x299f_31d0_a409_3822, 0x85a3_08d3_243f_6a88, 0x0370_7344_1319_8a2e)
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }
}

/// What is drawn depends on the seed alone, and has the distribution that its name says.
@Suite struct RandomOpTests {
  private func floats(_ body: String, seed: UInt64 = 1, threads: Int = 1) throws -> [Double] {
    let result = try NativeText.run(body, returning: "%y.9", drawing: true, seed: seed, threads: threads)
    return try result[0].converted(to: .float64).withElements(of: Double.self) { Array($0) }
  }

  @Test func theSameSeedGivesTheSameNumbersWithAnyNumberOfThreads() throws {
    let body = "%y.9 = normal(%key.0) {dtype = f32, shape = [40, 1000]} : f32[40,1000]"
    let numbers = try floats(body)
    #expect(try floats(body, threads: 2) == numbers)
    #expect(try floats(body, threads: 5) == numbers)
    #expect(try floats(body, seed: 2) != numbers)
  }

  /// Mean and variance within five standard errors of those of the distribution, and every number within its range.
  @Test(arguments: [
    ("uniform(%key.0) {dtype = f32, high = 3.0, low = -1.0, shape = [50000]} : f32[50000]", 1.0, 16.0 / 12, -1.0...3.0),
    ("normal(%key.0) {dtype = f64, shape = [50000]} : f64[50000]", 0, 1, -7...7),
    ("exponential(%key.0) {dtype = f32, shape = [50000]} : f32[50000]", 1, 1, 0...40),
    ("bernoulli(0.25, %key.0) {shape = [50000]} : bool[50000]", 0.25, 0.1875, 0...1),
    ("random_integer(%key.0) {dtype = i64, high = 6, low = 1, shape = [50000]} : i64[50000]", 3, 2, 1...5),
  ])
  func numbersHaveTheirDistribution(_ op: String, _ mean: Double, _ variance: Double, _ range: ClosedRange<Double>)
    throws
  {
    let numbers = try floats("%y.9 = " + op)
    let count = Double(numbers.count)
    let average = numbers.reduce(0, +) / count
    #expect(numbers.allSatisfy(range.contains))
    #expect(abs(average - mean) < 5 * (variance / count).squareRoot())
    let spread = numbers.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count
    #expect(abs(spread - variance) < 0.05 * variance)
  }

  @Test func keysOfOneKeyAreIndependent() throws {
    let body = """
      %a.5, %b.6 = split_key(%key.0) {count = 2} : key[], key[]
      %x.7 = normal(%a.5) {dtype = f64, shape = [20000]} : f64[20000]
      %z.8 = normal(%b.6) {dtype = f64, shape = [20000]} : f64[20000]
      %y.9 = multiply(%x.7, %z.8) : f64[20000]
      """
    let products = try floats(body)
    #expect(abs(products.reduce(0, +) / 20000) < 5 / 20000.0.squareRoot())
  }

  @Test func aPermutationHoldsEveryNumberOnce() throws {
    let numbers = try floats("%y.9 = random_permutation(%key.0) {dtype = i64, shape = [1000]} : i64[1000]")
    #expect(numbers != numbers.sorted())
    #expect(numbers.sorted() == (0..<1000).map(Double.init))
  }

  @Test(arguments: [true, false]) func placesAreDrawnByTheirWeights(_ replaces: Bool) throws {
    let weights = try TensorData(
      shape: [4000, 4], elements: (0..<4000).flatMap { _ in [1, 0, 3, 4] as [Float] })
    let count = replaces ? 8 : 3
    let body =
      "%y.9 = multinomial(%x0.0, %key.1) {count = \(count), replacement = \(replaces)} : i64[4000,\(count)]"
    let drawn = try NativeText.run(body, returning: "%y.9", [weights], drawing: true, seed: 3)[0]
      .withElements(of: Int64.self) { Array($0) }
    #expect(!drawn.contains(1))
    let firsts = stride(from: 0, to: drawn.count, by: count).map { drawn[$0] }
    for (place, share) in [(0, 0.125), (2, 0.375), (3, 0.5)] {
      let rate = Double(firsts.count { $0 == place }) / 4000
      #expect(abs(rate - share) < 5 * (share * (1 - share) / 4000).squareRoot())
    }
    if !replaces {
      for row in 0..<4000 { #expect(Set(drawn[row * 3..<row * 3 + 3]) == [0, 2, 3]) }
    }
  }

  @Test func dropoutScalesWhatItKeepsInTrainingAlone() throws {
    let ones = try TensorData(shape: [100, 50], elements: Array(repeating: Float(1), count: 5000))
    let body = "%y.9 = dropout(%x0.0, %key.1) {rate = 0.2, shared_axes = [1]} : f32[100,50]"
    func run(_ isTraining: Bool) throws -> [Float] {
      try NativeText.run(body, returning: "%y.9", [ones], drawing: true, seed: 5, isTraining: isTraining)[0]
        .withElements(of: Float.self) { Array($0) }
    }
    #expect(try run(false) == Array(repeating: 1, count: 5000))
    let rows = try run(true)
    for row in 0..<100 { #expect(Set(rows[row * 50..<row * 50 + 50]).count == 1) }
    #expect(Set(rows) == [0, 1.25])
    #expect((60...96).contains(rows.count { $0 != 0 } / 50))
  }

  @Test func batchStatisticsMoveTheRunningOnes() throws {
    let x = try TensorData(shape: [2, 1, 2], elements: [1, 2, 3, 6] as [Double])
    let old = try TensorData(shape: [1], elements: [10] as [Double])
    let body = """
      %y.9, %m.10, %v.11 = batch_norm(%x0.0, absent, absent, %x1.1, %x2.2) \
        {eps = 0.0, momentum = 0.5, statistics = "mode"} : f64[2,1,2], f64[1], f64[1]
      """
    let results = try NativeText.run(body, returning: "%y.9, %m.10, %v.11", [x, old, old], isTraining: true)
    let numbers = try results.map { try $0.withElements(of: Double.self) { Array($0) } }
    let deviation = 3.5.squareRoot()
    for (own, exact) in zip(numbers[0], [-2, -1, 0, 3].map { $0 / deviation }) { #expect(abs(own - exact) < 1e-12) }
    #expect(numbers[1] == [6.5])
    #expect(abs(numbers[2][0] - (10 + (14.0 / 3 - 10) / 2)) < 1e-12)
  }

  @Test func weightsThatNothingCanBeDrawnByAreAnError() throws {
    let body = "%y.9 = multinomial(%x0.0, %key.1) {count = 2, replacement = false} : i64[2]"
    for weights in [[0, 0, 0], [1, 0, 0], [1, -1, 2], [1, .nan, 1]] as [[Float]] {
      let tensor = try TensorData(shape: [3], elements: weights)
      #expect(throws: NativeError.self) { try NativeText.run(body, returning: "%y.9", [tensor], drawing: true) }
    }
  }
}
