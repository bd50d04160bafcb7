package import GraftFiles
package import GraftIR

/// Tensors that programs read and change, by path, in memory of their own: what training trains.
///
/// Programs that share a store may not run at the same time, nor while somebody reads or replaces one of its tensors;
/// the owner sees to that.
package final class VariableStore: Sendable {
  private struct Entry: Sendable {
    let dtype: DType
    let shape: [Int]
    let byteCount: Int
    let memory: NativeMemory
  }

  private let entries: [String: Entry]

  /// Copies tensors by path.
  package init(_ tensors: [String: TensorData]) {
    entries = tensors.mapValues { tensor in
      let memory = NativeMemory(byteCount: tensor.byteCount)
      tensor.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { memory.start.copyMemory(from: start, byteCount: bytes.count) }
      }
      return Entry(dtype: tensor.dtype, shape: tensor.shape, byteCount: tensor.byteCount, memory: memory)
    }
  }

  package var paths: [String] { entries.keys.sorted() }

  package var byteCount: Int { entries.values.reduce(0) { $0 + $1.byteCount } }

  func contains(_ path: String) -> Bool { entries[path] != nil }

  /// The type of a tensor.
  package func type(_ path: String) -> TensorType? {
    entries[path].map { TensorType($0.dtype, $0.shape.map { Dim($0) }) }
  }

  /// A copy of a tensor as it is now.
  package func tensor(_ path: String) throws -> TensorData? {
    guard let entry = entries[path] else { return nil }
    return try TensorData(dtype: entry.dtype, shape: entry.shape) { target in
      target.copyMemory(from: UnsafeRawBufferPointer(start: entry.memory.start, count: entry.byteCount))
    }
  }

  /// Gives a tensor new elements.
  ///
  /// - Throws: ``Diagnostic`` when there is none of the path, or it is of another type or shape.
  package func replace(_ path: String, by tensor: TensorData) throws {
    guard let entry = entries[path], entry.dtype == tensor.dtype, entry.shape == tensor.shape else {
      let expected = type(path).map { "must be \($0)" } ?? "is no variable"
      throw Diagnostic(
        .invalidInput, "`\(path)` \(expected), and a tensor of \(tensor.dtype.rawValue)\(tensor.shape) was given")
    }
    tensor.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { entry.memory.start.copyMemory(from: start, byteCount: bytes.count) }
    }
  }

  /// Where a tensor's elements lie; the same as long as the store lives.
  func start(of path: String) -> UnsafeMutableRawPointer { entries[path]?.memory.start ?? NativeMemory.nothing }
}
