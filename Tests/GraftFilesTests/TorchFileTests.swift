import Foundation
import GraftIR
import Testing

@testable import GraftFiles

/// Files of `torch.save`.
@Suite struct TorchFileTests {
  private let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pt").path

  private func document() throws -> TorchValue {
    .dictionary([
      (.string("step"), .tensor(try TensorData(shape: [], elements: [3] as [Float]))),
      (.int(-7), .list([.none, .bool(true), .float(0.25), .string("grün")])),
      (.string("m"), .tensor(try TensorData(shape: [2, 3], elements: [1, 2, 3, 4, 5, 6] as [Double]))),
    ])
  }

  @Test func readsBackWhatWasWritten() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try TorchFile.write(document(), to: path)
    let read = try TorchFile.read(path: path)
    #expect(read["step"]?.asTensor?.doubles() == [3])
    #expect(read["m"]?.asTensor?.shape == [2, 3])
    #expect(read["m"]?.asTensor?.doubles() == [1, 2, 3, 4, 5, 6])
    guard case .dictionary(let entries) = read, case .int(-7) = entries[1].key,
      case .list(let values) = entries[1].value, case .bool(true) = values[1], case .float(0.25) = values[2]
    else {
      Issue.record("\(read)")
      return
    }
    #expect(values[3].asString == "grün")
  }

  /// Every file with a byte changed, and every beginning of it, is read or is an error.
  @Test func survivesDamage() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try TorchFile.write(document(), to: path)
    let whole = try Data(contentsOf: URL(filePath: path))
    var random = CounterRandom(seed: 3)
    for round in 0..<2000 {
      var bytes = whole
      if round.isMultiple(of: 4) {
        bytes = bytes.prefix(Int(random.nextInteger(in: 0...Int64(whole.count))))
      } else {
        for _ in 0..<3 {
          bytes[Int(random.nextInteger(in: 0...Int64(whole.count - 1)))] = UInt8(random.nextInteger(in: 0...255))
        }
      }
      try bytes.write(to: URL(filePath: path))
      _ = try? TorchFile.read(path: path)
    }
  }

  private func pickle(_ bytes: [UInt8]) throws -> TorchValue {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try AtomicWriter.write(to: path) { file in
      var archive = ZipWriter(file)
      try bytes.withUnsafeBytes { try archive.add("a/data.pkl", [$0]) }
      try archive.finish()
    }
    return try TorchFile.read(path: path)
  }

  @Test func callsNothing() {
    let command = Array("\u{80}".unicodeScalars.map { UInt8($0.value) }) + [2] + Array("cposix\nsystem\n(X".utf8)
    let attack = command + [4, 0, 0, 0] + Array("true".utf8) + Array("tR.".utf8)
    #expect(throws: FileError.self) { try pickle(attack) }
  }

  /// Lists in lists, by the hundred thousand, in a chain or as tuples, and a list in itself.
  @Test func survivesDepth() {
    let count = 200_000
    let nested =
      [UInt8](repeating: UInt8(ascii: "]"), count: count) + [UInt8](repeating: UInt8(ascii: "a"), count: count - 1)
    #expect(throws: FileError.self) { try pickle(nested + Array(".".utf8)) }
    #expect(throws: FileError.self) {
      try pickle(Array("N".utf8) + [UInt8](repeating: 0x85, count: count) + Array(".".utf8))
    }
    #expect(throws: FileError.self) { try pickle(Array("]".utf8) + [0x71, 0, 0x68, 0] + Array("a.".utf8)) }
    // Each list holds the one before twice: 2 ** 40 values.
    var doubling = Array("]".utf8) + [0x71, 0]
    for index in 1...40 {
      doubling +=
        Array("](".utf8) + [0x68, UInt8(index - 1), 0x68, UInt8(index - 1)] + Array("e".utf8) + [0x71, UInt8(index)]
    }
    #expect(throws: FileError.self) { try pickle(doubling + Array(".".utf8)) }
  }
}
