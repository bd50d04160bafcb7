import GraftFiles
import GraftIR
import GraftOps
import Testing

@testable import GraftNative

/// A package's program is data: whatever it asks for, the answer is a result or an error, never a trap, and not a loop
/// that nobody waits for.
@Suite struct HostileProgramTests {
  private static let hostile = [Int.min, -(1 << 40), -3, -1, 0, 1, 5, 1 << 40, Int.max]

  /// What may stand instead of an attribute.
  private static func replacements(_ attribute: Attribute) -> [Attribute] {
    switch attribute.canonical {
    case .dim, .scalar(.float), .scalar(.int):
      return hostile.map { .int($0) } + [.float(.nan), .float(-1e300), .float(0)]
    case .list(let items) where !items.isEmpty:
      return hostile.flatMap { number in
        [0, items.count - 1].map { index in
          var changed = items
          changed[index] = .int(number)
          return .list(changed)
        }
      } + [.list([]), .list(items + items)]
    default: return []
    }
  }

  /// Every sample of every op with one attribute replaced, where the op's own rules do not refuse that.
  @Test func samplesWithOtherAttributesGiveResultsOrErrors() throws {
    var (runs, errors) = (0, 0)
    for op in OpCatalogue.all {
      for number in op.samples.indices {
        for attribute in op.attributes {
          guard let value = op.samples[number].attributes[attribute.name] ?? attribute.defaultValue else { continue }
          for replacement in Self.replacements(value) where attribute.accepts(replacement) {
            let item = NativeSampleTests.Case(op: op.name, number: number)
            guard let program = try? SampleProgram(item, replacing: attribute.name, by: replacement) else { continue }
            runs += 1
            do { _ = try program.outputs() } catch { errors += 1 }
          }
        }
      }
    }
    print("hostile attributes: \(runs) programs, \(errors) refused")
    #expect(runs > 1000)
    #expect(errors > 100)
  }

  @Test(arguments: [
    ("%y.9 = arange {count = 1000000000000000, dtype = f32} : f32[1000000000000000]", "needs more memory"),
    ("%y.9 = arange {count = -3, dtype = i64} : i64[-3]", "negative"),
    ("%y.9 = full {dtype = f32, shape = [4294967296, 4294967296], value = 0.0} : f32[4294967296,4294967296]", "memory"),
    (
      "%y.9 = tril_indices {columns = 1000000000000, count = 5, dtype = i64, rows = 1000000000000} : i64[2,5]",
      "more than 5 elements"
    ),
    (
      "%y.9 = triu_indices {columns = 3, count = 1, dtype = i64, offset = 9223372036854775807, rows = 3} : i64[2,1]",
      "has 0 elements"
    ),
  ])
  func sizesThatNothingCanHaveAreErrors(_ body: String, _ message: String) throws {
    let error = try #require(throws: Diagnostic.self) { try NativeText.run(body, returning: "%y.9") }
    #expect(error.message.contains(message), "\(error.message)")
  }

  /// A range that fits the sizes that the program was traced with, and not those of a call.
  @Test func sizesThatARangeDoesNotFitAreErrors() throws {
    let text = """
      function f ""
      symbols {
        N: 1... sizes [6, 7]
      }
      arguments {
        %x.0: f32[N] = input #0
      }
      inputs {"x": #0} names ["x"]
      outputs #0
      body {
        %1 = slice(%x.0) {starts = [N - 5], steps = [1], stops = [N]} : f32[5]
        return %1
      }
      """
    let program = try NativeProgram(IRParser.parse(text), kernels: NativeKernelSet(.baseline)) { _ in nil }
    let x = try TensorData(shape: [6], elements: [1, 2, 3, 4, 5, 6] as [Float])
    #expect(try program.run([x])[0].withElements(of: Float.self) { Array($0) } == [2, 3, 4, 5, 6])
    let short = try TensorData(shape: [2], elements: [1, 2] as [Float])
    #expect(throws: Diagnostic.self) { try program.run([short]) }
  }
}
