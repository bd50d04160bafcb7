import Foundation
import GraftFiles
import GraftIR
import GraftOps
import Testing

@testable import GraftNative

/// Mutated programs, as a damaged or hostile package may hold them: each is refused with one line, or is run on inputs
/// of the sizes that it asks for. A trap or a read outside of memory ends the process and so the run.
///
/// The seed is `$GRAFT_FUZZ_SEED`, or 1; the number of programs `$GRAFT_FUZZ_RUNS`, or 20,000; `make fuzz` draws seeds. Each
/// program is written to the file `$GRAFT_FUZZ_PROGRAM`, if that is set, before it is read: after a trap it holds the one
/// that caused it.
@Suite struct ProgramFuzzTests {
  private static let environment = ProcessInfo.processInfo.environment
  static let seed = environment["GRAFT_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
  static let runs = environment["GRAFT_FUZZ_RUNS"].flatMap { Int($0) } ?? 20_000
  /// Inputs of a mutated program that are made and run; larger ones are left at what verification says.
  private static let largestInput = 4096

  private enum Outcome: String { case run, refused, skipped }

  @Test func mutatedProgramsAreRunOrRefused() throws {
    let corpus = try Self.corpus()
    var generator = CounterRandom(seed: Self.seed).split(11)
    var counts: [Outcome: Int] = [:]
    for _ in 0..<Self.runs {
      var text = Array(corpus[Int(generator.next() % UInt64(corpus.count))].utf8)
      for _ in 0...(generator.next() % 2) { Self.mutate(&text, &generator) }
      let program = String(decoding: text, as: UTF8.self)
      if let path = Self.environment["GRAFT_FUZZ_PROGRAM"] { try Data(text).write(to: URL(filePath: path)) }
      do {
        counts[try Self.read(program, &generator), default: 0] += 1
      } catch let error as Diagnostic {
        counts[.refused, default: 0] += 1
        try #require(
          !error.message.contains { $0.isNewline },
          "\(error.message.debugDescription) for \(program.debugDescription), seed \(Self.seed)")
      } catch is NativeError {
        counts[.refused, default: 0] += 1
      } catch is FileError {
        counts[.refused, default: 0] += 1
      }
    }
    let shares = counts.map { "\($0.value) \($0.key.rawValue)" }.sorted().joined(separator: ", ")
    print("fuzz programs: \(shares), from \(corpus.count), seed \(Self.seed)")
    #expect(counts[.run, default: 0] > Self.runs / 50, "the mutations are too strong, seed \(Self.seed)")
    #expect(counts[.refused, default: 0] > Self.runs / 4, "the mutations are too weak, seed \(Self.seed)")
  }

  /// Programs of one op each, as their samples are.
  private static func corpus() throws -> [String] {
    OpCatalogue.all.flatMap { op in
      op.samples.indices.prefix(2).compactMap { number in
        try? SampleProgram(NativeSampleTests.Case(op: op.name, number: number)).text
      }
    }
  }

  private static func read(_ text: String, _ generator: inout CounterRandom) throws -> Outcome {
    let function = try IRParser.parse(text)
    try function.verify()
    try OpCatalogue.verify(function)
    let kernels = NativeKernelSet(try .choose(environment: [:]))
    let program = try NativeProgram(function, kernels: kernels, pool: ThreadPool(width: 1)) { _ in nil }
    var inputs: [TensorData] = []
    for (_, value) in function.inputLeaves.sorted(by: { $0.key < $1.key }) {
      let type = function.type(of: value)
      let shape = type.shape.compactMap(\.knownValue)
      guard shape.count == type.shape.count, shape.allSatisfy({ $0 >= 0 }),
        shape.reduce(1.0, { $0 * Double($1) }) <= Double(largestInput)
      else {
        return .skipped
      }
      let values: RandomDistribution = type.dtype == .bool ? .bernoulli(probability: 0.5) : .integers(0...4)
      inputs.append(try TensorData(random: values, dtype: type.dtype, shape: shape, using: &generator))
    }
    _ = try program.run(inputs)
    return .run
  }

  /// Changes a number, a word or a byte.
  private static func mutate(_ text: inout [UInt8], _ generator: inout CounterRandom) {
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(bound, 1))) }
    guard !text.isEmpty else { return }
    let position = below(text.count)
    switch below(6) {
    case 0, 1, 2:
      let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
      guard let start = text[position...].firstIndex(where: { digits.contains($0) }) else { return }
      let end = text[start...].firstIndex { !digits.contains($0) } ?? text.count
      text.replaceSubrange(start..<end, with: numbers[below(numbers.count)].utf8)
    case 3: text[position] = UInt8(below(256))
    case 4: text.insert(contentsOf: words[below(words.count)].utf8, at: position)
    default: text.removeSubrange(position..<min(text.count, position + below(20)))
    }
  }

  private static let numbers = [
    "0", "1", "2", "3", "7", "-1", "-2", "-9223372036854775808", "9223372036854775807", "4294967296", "1e308", "nan",
    "N", "1000000",
  ]
  private static let words = [
    "f32", "i64", "bool", "c64", "[", "]", "{", "}", "%x0.0", "%0", ", ", "none", "true", "\"", "-", "f64", "u8", "f16",
  ]
}
