import Foundation
import Graft

/// Graft as a contestant of `bench_native.py`: loads a package, then measures calls as it is told to on standard input,
/// in the way of `peer.py`.
@main struct NativeWorker {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let threads = Int(arguments[4]) else {
      FileHandle.standardError.write(Data("usage: native-worker PACKAGE INPUTS.npz OUTPUTS.npz THREADS\n".utf8))
      exit(2)
    }
    let file = try TensorFile(URL(filePath: arguments[2])).read()
    let clock = ContinuousClock()
    let start = clock.now
    let model = try Model(contentsOf: URL(filePath: arguments[1]), threads: threads)
    let tensors = try file.sorted { $0.key < $1.key }.map { try $0.value.aligned() }
    let inputs = Dictionary(uniqueKeysWithValues: zip(model.inputs.map(\.name), tensors))
    let outputs = try model(inputs)
    reply(["first": (clock.now - start) / .seconds(1)])
    while let line = readLine() {
      let words = line.split(separator: " ")
      let count = words.last.flatMap { Int($0) } ?? 1
      if words.first == "together" {
        reply(try together(count) { _ = try model(inputs) })
      } else {
        reply(try (0..<count).map { _ in try clock.measure { _ = try model(inputs) } / .seconds(1) })
      }
    }
    let named = model.outputs.enumerated().map { (String(format: "out_%02d", $0), outputs[$1.name]) }
    try TensorFile(URL(filePath: arguments[3])).write(
      Dictionary(uniqueKeysWithValues: named.compactMap { name, tensor in tensor.map { (name, $0) } }))
  }

  /// Seconds of a number of calls one after another, and of as many at the same time.
  static func together(_ count: Int, _ call: @escaping @Sendable () throws -> Void) throws -> [Double] {
    let clock = ContinuousClock()
    let alone = try clock.measure { for _ in 0..<count { try call() } }
    let together = clock.measure {
      DispatchQueue.concurrentPerform(iterations: count) { _ in try? call() }
    }
    return [alone / .seconds(1), together / .seconds(1)]
  }

  static func reply(_ value: some Encodable) {
    let data = (try? JSONEncoder().encode(value)) ?? Data()
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}
