public import Foundation
import GraftFiles
import GraftIR

/// A file of tensors: `.npy`, `.npz` or `.safetensors`, by its name.
public struct TensorFile: Sendable {
  private enum Format: String {
    case npy, npz, safetensors
  }

  private let url: URL

  public init(_ url: URL) { self.url = url }

  /// The tensors by name; that of a `.npy` file, which has none, under the file's.
  ///
  /// - Throws: ``Problem`` when the file is none of these formats, is not there, or is damaged.
  public func read() throws -> [String: Tensor] {
    try Problem.wrap {
      switch try format {
      case .npy: return [url.deletingPathExtension().lastPathComponent: Tensor(try NumPyFile.read(path: url.path))]
      case .npz:
        let archive = try NumPyArchive(path: url.path)
        return try archive.names.reduce(into: [:]) { $0[$1] = Tensor(try archive.array(named: $1)) }
      case .safetensors:
        let file = try SafetensorsFile(path: url.path)
        return try file.names.reduce(into: [:]) { $0[$1] = Tensor(try file.tensor(named: $1)) }
      }
    }
  }

  /// Writes tensors; an existing file is replaced when the new one is complete.
  ///
  /// - Parameter order: the names in the order in which they are written; alphabetically by default.
  /// - Throws: ``Problem`` when the format cannot hold them, or the file cannot be written.
  public func write(_ tensors: [String: Tensor], order: [String]? = nil) throws {
    let named = (order ?? tensors.keys.sorted()).compactMap { name in tensors[name].map { (name: name, data: $0.data) }
    }
    try Problem.wrap {
      switch try format {
      case .npy:
        guard let only = named.first, named.count == 1 else {
          throw Diagnostic(
            .invalidInput, "a .npy file holds one tensor, and there are \(named.count)", remedy: "Write a .npz file.")
        }
        try NumPyFile.write(only.data, to: url.path)
      case .npz: try NumPyArchive.write(named, to: url.path)
      case .safetensors:
        try AtomicWriter.write(to: url.path) { writer in
          try SafetensorsWriter(named.map { SafetensorsWriter.Entry(name: $0.name, $0.data) }).write(to: writer)
        }
      }
    }
  }

  private var format: Format {
    get throws {
      guard let format = Format(rawValue: url.pathExtension.lowercased()) else {
        throw Diagnostic(
          .invalidInput, "\(url.lastPathComponent) is no file of tensors by its name",
          remedy: "Tensors are read and written as .npy, .npz and .safetensors.")
      }
      return format
    }
  }
}
