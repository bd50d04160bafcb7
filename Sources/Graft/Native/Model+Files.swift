public import Foundation
import GraftFiles
import GraftIR
import GraftTransform

extension Model {
  /// A framework whose names and layouts weights are written in.
  public enum WeightFormat: String, Sendable, CaseIterable {
    /// A state dict, which `load_state_dict` takes once it is read with the safetensors library.
    case torch
    /// What the `load_params` of the emitted JAX module reads.
    case jax
  }

  /// Writes a `.graft` package with the weights as they are now; an existing file is replaced when the new one is
  /// complete.
  ///
  /// - Throws: ``Problem`` when it cannot be written.
  public func save(to url: URL) throws {
    var function = function
    for index in function.arguments.indices {
      guard case .parameter(let path, let trainable, let aliases) = function.arguments[index].role else { continue }
      function.arguments[index].role = .parameter(
        path: path, trainable: trainable && !frozen.contains(path), aliases: aliases)
    }
    try Problem.wrap {
      try AtomicWriter.write(to: url.path) { writer in
        try GraftPackage.write(function, to: writer) { try weight($0.role) }
      }
    }
  }

  /// Writes the weights as a safetensors file in the names and layouts of a framework.
  ///
  /// - Throws: ``Problem`` when it cannot be written.
  public func exportWeights(to url: URL, for format: WeightFormat) throws {
    try Problem.wrap {
      let entries =
        switch format {
        case .torch: try torchEntries()
        case .jax: try jaxEntries()
        }
      try SafetensorsWriter(entries).write(to: url.path)
    }
  }

  private func torchEntries() throws -> [SafetensorsWriter.Entry] {
    try function.arguments.flatMap { argument -> [SafetensorsWriter.Entry] in
      let paths: [String]
      switch argument.role {
      case .parameter(let path, _, let aliases): paths = [path] + aliases
      case .state(let path, let isPersistent): paths = isPersistent ? [path] : []
      case .constant, .input, .key: paths = []
      }
      guard !paths.isEmpty, let data = try weight(argument.role) else { return [] }
      return paths.map { SafetensorsWriter.Entry(name: $0, data) }
    }
  }

  private func jaxEntries() throws -> [SafetensorsWriter.Entry] {
    let emitted = try Conversion.prepared(function) { try weight($0.role) }.0
    let hasState = !emitted.statePaths.isEmpty
    return try emitted.arguments.compactMap { argument in
      guard let name = ConvertedProgram.weightName(argument.role, hasState: hasState),
        let data = try weight(argument.role)
      else { return nil }
      return SafetensorsWriter.Entry(name: name, data)
    }
  }
}
