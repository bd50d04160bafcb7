import Foundation
import Graft
import TestSupport

/// What a script in `Torch` writes when PyTorch runs it: tensors by name.
struct TorchReference {
  let tensors: [String: Tensor]

  /// - Throws: when there is no Python with PyTorch, or the script fails.
  init(_ script: String, _ arguments: String...) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let output = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).npz")
    defer { try? FileManager.default.removeItem(at: output) }
    try PythonScript.run(folder.appending(path: "Torch/\(script)"), [output.path] + arguments)
    tensors = try TensorFile(output).read()
  }

  /// - Throws: when the script wrote no such tensor.
  func numbers(_ name: String) throws -> [Double] {
    guard let tensor = tensors[name] else { throw PythonScript.Failure("there is no reference `\(name)`") }
    return try tensor.elements(of: Double.self)
  }

  func tensor(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw PythonScript.Failure("there is no reference `\(name)`") }
    return tensor
  }
}

/// The largest difference of two lists, in proportion to the largest magnitude of the second.
func relativeError(_ own: [Double], _ exact: [Double]) -> Double {
  guard own.count == exact.count else { return .infinity }
  let scale = exact.reduce(0) { max($0, abs($1)) }
  return zip(own, exact).reduce(0) { worst, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(worst, difference / max(scale, .leastNormalMagnitude))
  }
}
