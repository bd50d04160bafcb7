import Testing

@testable import GraftIR

@Suite struct TextFuzzTests {
  private static let pieces: [String] = [
    "{", "}", "(", ")", "[", "]", "%", "%0", "%x.1", "#0", "=", ":", ",", "...", "@", "-", "//", " % ", " * ", "max(",
    "\"", "\\u{1F600}", "\\", "return", "absent", "update", "none", "nan", "-inf", "1e999", "9223372036854775808",
    "-9223372036854775808", "18446744073709551616", "f32[", "const ", "record ", "in 0", "m99", "l0", "N", "(N + 1)",
    "complex(", "0", "-1", "true", "state", "key", "\u{0}", "é", "\u{301}",
  ]

  /// Each mutated text must read as a function or be refused with a diagnostic, and what reads must also verify or be
  /// refused, print, and read back.
  @Test(arguments: 0..<4) func mutatedTextsNeverTrap(part: UInt64) throws {
    let seed = 0xF022 + part
    var generator = SeededGenerator(seed: seed)
    var functions = RandomFunctions(seed: seed)
    var accepted = 0
    for round in 0..<100 {
      let original = Array(
        IRPrinter(includesOrigins: round % 2 == 0).print(functions.next(operations: 1, parameters: 1)).utf8)
      for _ in 0..<260 {
        let text = Self.mutate(original, &generator)
        do {
          let function = try IRParser.parse(text)
          accepted += 1
          do { try function.verify() } catch let error as Diagnostic where error.code == .invalidProgram { continue }
          let printed = IRPrinter().print(function)
          let again = IRPrinter().print(try IRParser.parse(printed))
          #expect(again == printed, "seed \(seed), round \(round)")
        } catch let error as Diagnostic {
          #expect(error.code == .invalidPackage, "seed \(seed), round \(round): \(error)")
        }
      }
    }
    // Mutations that keep the text valid show that not everything is refused at the first byte.
    #expect(accepted > 500, "seed \(seed)")
  }

  private static func mutate(_ original: [UInt8], _ generator: inout SeededGenerator) -> String {
    var bytes = original
    for _ in 0..<(1 + generator.below(3)) {
      let position = generator.below(max(1, bytes.count))
      switch generator.below(6) {
      case 0: bytes[position] = UInt8(truncatingIfNeeded: generator.next())
      case 1: bytes.insert(contentsOf: generator.pick(pieces).utf8, at: position)
      case 2: bytes.removeSubrange(position..<min(bytes.count, position + 1 + generator.below(12)))
      case 3: bytes.removeSubrange(position...)
      case 4:
        let other = generator.below(bytes.count)
        bytes.insert(contentsOf: bytes[min(position, other)..<max(position, other)].prefix(80), at: position)
      default: bytes[position] = UInt8(ascii: "0") + UInt8(generator.below(10))
      }
      if bytes.isEmpty { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
