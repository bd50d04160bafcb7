public import Foundation
import GraftFiles
import GraftIR

/// Samples along the first axis of tensors, in memory or in a mapped file, which may be larger than memory.
public struct TensorDataset: Dataset {
  public let count: Int
  public let columns: [Column]
  private let tensors: [Tensor]

  /// - Throws: ``Problem`` when the tensors do not have equally many samples.
  public init(_ columns: KeyValuePairs<String, Tensor>) throws { try self.init(columns.map { ($0.key, $0.value) }) }

  init(_ named: [(String, Tensor)]) throws {
    guard let first = named.first else { throw Problem(Diagnostic(.invalidInput, "a dataset needs a column")) }
    for (name, tensor) in named where tensor.shape.first == nil || tensor.shape.first != first.1.shape.first {
      throw Problem(
        Diagnostic(
          .invalidInput, "the column `\(name)` has the shape \(tensor.shape), and `\(first.0)` \(first.1.shape)",
          remedy: "Samples lie along the first axis, as many in each column."))
    }
    let names = named.map(\.0)
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      throw Problem(Diagnostic(.invalidInput, "two columns are called `\(twice)`"))
    }
    count = first.1.shape[0]
    columns = named.map { Column($0.0, dtype: $0.1.dtype, shape: Array($0.1.shape.dropFirst())) }
    tensors = named.map(\.1)
  }

  /// Reads a `.npz`, `.npy`, `.safetensors` or `.csv` file by its name.
  ///
  /// Tensors of `.safetensors` and uncompressed `.npz` files stay in the file and are read as they are needed.
  ///
  /// - Parameter names: the columns and their order; by default all, in the alphabet's order.
  /// - Throws: ``Problem`` when the file is damaged, lacks a column, or its columns do not have equally many samples.
  public init(contentsOf url: URL, columns names: [String]? = nil) throws {
    let found: [String: Tensor]
    var order = names
    if url.pathExtension.lowercased() == "csv" {
      let table = try CSVTable(contentsOf: url)
      found = try table.tensors()
      order = names ?? table.names
    } else {
      found = try TensorFile(url).read()
    }
    try self.init(
      (order ?? found.keys.sorted()).map { name in
        guard let tensor = found[name] else {
          let known = found.keys.sorted().map { "`\($0)`" }.joined(separator: ", ")
          throw Problem(
            Diagnostic(
              .invalidInput, "\(url.lastPathComponent) has no column `\(name)`", remedy: "It has \(known)."))
        }
        return (name, tensor)
      })
  }

  /// Reads a `.csv` file whose columns of numbers together are one input.
  ///
  /// - Parameters:
  ///   - target: the column that is predicted.
  ///   - features: the columns that become a tensor [rows, features] of float32, in this order; by default all others.
  /// - Throws: ``Problem`` when the file is damaged or lacks a column.
  public init(table url: URL, target: String, features: [String]? = nil) throws {
    let table = try CSVTable(contentsOf: url)
    let columns = try table.tensors()
    let names = features ?? table.names.filter { $0 != target }
    func column(_ name: String) throws -> Tensor {
      guard let tensor = columns[name] else {
        throw Problem(
          Diagnostic(
            .invalidInput, "\(url.lastPathComponent) has no column `\(name)`",
            remedy: "It has \(table.names.map { "`\($0)`" }.joined(separator: ", "))."))
      }
      return tensor
    }
    let values = try names.map { try column($0).converted(to: .float32).elements(of: Float.self) }
    let rows = values.first?.count ?? 0
    let matrix = (0..<rows).flatMap { row in values.map { $0[row] } }
    try self.init([("features", try Tensor(matrix, shape: [rows, names.count])), (target, try column(target))])
  }

  public func batch(_ positions: [Int]) throws -> [Tensor] { try tensors.map { try $0.rows(positions) } }
}

extension Tensor {
  /// Rows of the first axis, in the given order.
  ///
  /// - Throws: ``Problem`` for a scalar, and a position that does not exist.
  func rows(_ positions: [Int]) throws -> Tensor {
    guard let extent = shape.first, positions.allSatisfy({ $0 >= 0 && $0 < extent }) else {
      throw Problem(Diagnostic(.invalidInput, "a row that was asked for is not in a tensor of shape \(shape)"))
    }
    let width = extent > 0 ? data.byteCount / extent : 0
    return try Tensor(
      Problem.wrap {
        try TensorData(dtype: dtype, shape: [positions.count] + shape.dropFirst()) { target in
          data.withUnsafeBytes { source in
            guard width > 0 else { return }
            for (index, position) in positions.enumerated() {
              UnsafeMutableRawBufferPointer(rebasing: target[index * width..<(index + 1) * width])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[position * width..<(position + 1) * width]))
            }
          }
        }
      })
  }
}
