import ArgumentParser
import Foundation
import Graft

/// What `--input` says of a model's inputs.
enum ModelInputOption: ExpressibleByArgument {
  /// A file that holds inputs by name.
  case file(String)
  /// One input from a file.
  case named(String, file: String)
  /// One input of random elements, integers below the limit.
  case random(String, shape: [Int], limit: Int?)

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      self = .file(argument)
      return
    }
    guard !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    guard parts[1] == "random" || parts[1].hasPrefix("random[") else {
      self = .named(parts[0], file: parts[1])
      return
    }
    guard let match = parts[1].wholeMatch(of: /random\[([0-9, ]*)\](?::([0-9]+))?/) else { return nil }
    let extents = match.1.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
    guard extents.allSatisfy({ $0 != nil }) else { return nil }
    self = .random(parts[0], shape: extents.compactMap { $0 }, limit: match.2.flatMap { Int($0) })
  }
}

/// The tensors that the command line names.
struct ModelInputs {
  private let options: [ModelInputOption]
  private let seed: UInt64

  init(_ options: [ModelInputOption], seed: UInt64) {
    self.options = options
    self.seed = seed
  }

  /// - Throws: ``Problem`` when a file cannot be read, or a name is no input's.
  func tensors(for model: Model) throws -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (index, option) in options.enumerated() {
      switch option {
      case .file(let path):
        let found = try TensorFile(URL(filePath: path)).read()
        for port in model.inputs { tensors[port.name] = found[port.name] ?? tensors[port.name] }
        // An array without a name of its own is the only input.
        if model.inputs.count == 1, found.count == 1, tensors.isEmpty {
          tensors[model.inputs[0].name] = found.first?.value
        }
      case .named(let name, let path):
        tensors[name] = try TensorFile(URL(filePath: path)).read().first?.value
      case .random(let name, let shape, let limit):
        let dtype = model.inputs.first { $0.name == name }?.dtype ?? .float32
        tensors[name] = try Tensor(random: shape, dtype: dtype, limit: limit ?? 2, seed: seed &+ UInt64(index))
      }
    }
    return try tensors.mapValues { try $0.aligned() }
  }
}
