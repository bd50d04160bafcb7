import Foundation
import GraftFiles
import GraftIR
import Testing

/// Mutated files: every one is read or refused; a trap or a read outside the file ends the process and so the run.
///
/// The seed is `$GRAFT_FUZZ_SEED`, or 1; it is printed with the counts. `make fuzz` draws seeds.
@Suite struct FuzzTests {
  static let seed = ProcessInfo.processInfo.environment["GRAFT_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  @Test func safetensorsHeaders() throws {
    let small =
      #"{"__metadata__":{"a":"\u00e9\n"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
      + #""b":{"dtype":"I8","shape":[8],"data_offsets":[24,32]}}"#
    let file = safetensors(small, Array(repeating: 7, count: 32)).withBytes { Array($0) }
    let corpus = [file, safetensors(#"{"a":{"x":[[[{"y":1.5e3}]]]}}"#).withBytes { Array($0) }]
    try fuzz("safetensors", corpus, runs: 200_000) { contents in
      let file = try SafetensorsFile(MappedFile(contents: contents, path: "x"))
      var sum = 0.0
      for entry in file.entries { sum += try file.tensor(named: entry.name).doubles().reduce(0, +) }
      return sum
    }
  }

  @Test func npyFiles() throws {
    let corpus = ["<f4", ">c8", "<f2", "|b1"].flatMap { code in
      ["False", "True"].map { order in
        npy("{'descr': '\(code)', 'fortran_order': \(order), 'shape': (2, 3), }", Array(repeating: 1, count: 24))
          .withBytes { Array($0) }
      }
    }
    try fuzz("npy", corpus, runs: 100_000) { contents in
      try NumPyFile.read(MappedFile(contents: contents, path: "x")).doubles().reduce(0, +)
    }
  }

  @Test func npzFiles() throws {
    var corpus: [[UInt8]] = []
    try withTemporaryFolder { folder in
      let data = try randomBits(.float32, [3, 4], seed: 1)
      try NumPyArchive.write([("a", data), ("b", data)], to: folder + "/ours.npz")
      corpus.append(try contents(folder + "/ours.npz"))
      if Python.path != nil {
        try Python.run(
          """
          import numpy as np
          np.savez_compressed("deflated.npz", a=np.arange(200) % 7, b=np.float32(1))
          np.savez("stored.npz", a=np.arange(20))
          """, in: folder)
        corpus.append(try contents(folder + "/deflated.npz"))
        corpus.append(try contents(folder + "/stored.npz"))
      }
    }
    try fuzz("npz", corpus, runs: 100_000) { contents in
      let archive = try NumPyArchive(MappedFile(contents: contents, path: "x"))
      var sum = 0.0
      for name in archive.names {
        // One member may be damaged and the next whole.
        if let array = try? archive.array(named: name) { sum += array.doubles().reduce(0, +) }
      }
      return sum
    }
  }

  /// Mutates files of the corpus and reads them; what is thrown must be a one-line `FileError`.
  private func fuzz(_ name: String, _ corpus: [[UInt8]], runs: Int, read: ([UInt8]) throws -> Double) throws {
    var generator = CounterRandom(seed: Self.seed).split(UInt64(name.utf8.count))
    var accepted = 0
    var refused = 0
    for _ in 0..<runs {
      var file = corpus[Int(generator.next() % UInt64(corpus.count))]
      for _ in 0...(generator.next() % 3) { mutate(&file, &generator) }
      do {
        _ = try read(file)
        accepted += 1
      } catch let error as FileError {
        refused += 1
        try #require(!error.description.contains { $0.isNewline }, "\(error) for \(file), seed \(Self.seed)")
      } catch {
        Issue.record("\(error) is not a FileError, for \(file), seed \(Self.seed)")
        return
      }
    }
    print("fuzz \(name): \(accepted) accepted, \(refused) refused, seed \(Self.seed)")
    #expect(accepted > 0 && refused > runs / 4, "the mutations are too weak or too strong, seed \(Self.seed)")
  }

  private func mutate(_ file: inout [UInt8], _ generator: inout CounterRandom) {
    func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(bound, 1))) }
    guard !file.isEmpty else { return }
    let position = below(file.count)
    switch below(9) {
    case 0: file[position] ^= 1 << UInt8(below(8))
    case 1: file[position] = UInt8(below(256))
    case 2: file.removeLast(file.count - position)
    case 3: file.remove(at: position)
    case 4: file.insert(contentsOf: Array(Self.words[below(Self.words.count)].utf8), at: position)
    case 5:
      // A huge or negative little-endian length.
      let value = [UInt64.max, 1 << 63, 1 << 62, 0xFFFF_FFFF, 0x7FFF_FFFF, 100_000_000, 0][below(7)]
      for index in 0..<min(8, file.count - position) {
        file[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      }
    case 6: replaceNumber(in: &file, from: position, with: Self.numbers[below(Self.numbers.count)])
    case 7:
      let length = min(below(40), file.count - position)
      file.insert(contentsOf: file[position..<(position + length)], at: below(file.count))
    default:
      let brackets = ["[", "{\"a\":", "("][below(3)]
      file.insert(contentsOf: String(repeating: brackets, count: below(300)).utf8, at: position)
    }
    // Keep the announced header length right half of the time, so that the mutation is looked at.
    if below(2) == 0, file.count > 8, file[8] == UInt8(ascii: "{"), let end = file.lastIndex(of: UInt8(ascii: "}")) {
      let length = UInt64(max(0, end - 7))
      for index in 0..<8 { file[index] = UInt8(truncatingIfNeeded: length >> UInt64(8 * index)) }
    }
  }

  private func replaceNumber(in file: inout [UInt8], from position: Int, with number: String) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let start = file[position...].firstIndex(where: { digits.contains($0) }) else { return }
    let end = file[start...].firstIndex { !digits.contains($0) } ?? file.count
    file.replaceSubrange(start..<end, with: number.utf8)
  }

  private static let words = [
    "\"", "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", ",", ":", "-", "0", "1e999", "null", "'", "(", ")", "L", "O",
    "F64", "\u{0}", "\u{e9}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "data_offsets", "True", " ",
  ]
  private static let numbers = [
    "-1", "0", "1", "9223372036854775807", "9223372036854775808", "18446744073709551616", "4611686018427387904",
    "4294967296", "0,0", "1,2,3", "1e5", "00", "7",
  ]
}
