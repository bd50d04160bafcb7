import Foundation
import GraftEmit
import GraftFiles
import GraftIR
import GraftJAX

/// A traced program after conversion: in the IR, as source, and with its weights.
struct ConvertedProgram: Sendable {
  let trace: TraceReply
  let options: TranspileOptions
  /// The whole program, as the package keeps it.
  let function: GraftIR.Function
  /// The program that the source is written from.
  let emitted: GraftIR.Function
  let module: JAXModuleWriter.Module
  /// Its gradient, where that was asked for.
  let gradient: GradientProgram?
  let unobservedState: [String]

  /// - Throws: ``Diagnostic`` that lists what is not supported.
  init(_ trace: TraceReply, options: TranspileOptions) throws {
    self.trace = trace
    self.options = options
    function = try trace.conversion.function()
    let tensor: @Sendable (Argument) throws -> TensorData? = { argument in
      try argument.path.map { try trace.tensor($0) }
    }
    (emitted, unobservedState) = try trace.conversion.prepared(function, tensor: tensor)
    module = try trace.conversion.jax(emitted, scansLayers: options.scan)
    gradient =
      options.withGradient ? try GradientProgram(of: function, emitted, trace.conversion, tensor: tensor) : nil
  }

  var name: String { function.name }

  /// The weights under the names and in the nesting that the emitted loader reads.
  func weights() throws -> [SafetensorsWriter.Entry] {
    let hasState = !emitted.statePaths.isEmpty
    return try emitted.arguments.compactMap { argument in
      guard let name = Self.weightName(argument.role, hasState: hasState) else { return nil }
      return SafetensorsWriter.Entry(name: name, try trace.tensor(argument.path ?? name))
    }
  }

  /// What the emitted loader calls a tensor; nil for what is passed in.
  static func weightName(_ role: Argument.Role, hasState: Bool) -> String? {
    switch role {
    case .parameter(let path, _, _): hasState ? "params.\(path)" : path
    case .constant(let constant): "state.constants.\(constant)"
    case .state(let path, _): "state.\(path)"
    case .input, .key: nil
    }
  }

  var manifest: Manifest {
    let document = trace.document
    return Manifest(
      graft: GraftVersion.current, name: name,
      source: Manifest.Source(
        framework: document.framework.name, version: document.framework.version,
        libraries: document.framework.libraries, entry: options.entry, initArguments: options.initArguments,
        inputs: options.inputs, inputFactory: options.inputFactory, dynamic: options.dynamic,
        mode: options.mode == .both ? nil : options.mode,
        file: document.entry.file, line: document.entry.line, className: document.entry.className),
      target: Manifest.Target(framework: options.target.rawValue, scan: options.scan ? true : nil), entry: name,
      files: files, signature: signature, verification: nil)
  }

  private var files: [String: String] {
    var files = ["source": "\(name).py", "weights": "\(name).safetensors", "package": "\(name).graft"]
    if let gradient { files["gradient"] = "\(gradient.name).py" }
    return files
  }

  /// The text of each source file, by its role in the manifest.
  var sourceTexts: [(role: String, text: String)] {
    [("source", module.text)] + (gradient.map { [("gradient", $0.module.text)] } ?? [])
  }

  /// What there is to verify.
  ///
  /// - Parameter path: where the file of a role is.
  func targets(weights: String, path: (_ role: String) throws -> String) rethrows -> [Verifier.Target] {
    var targets = [
      Verifier.Target(
        module: try path("source"), weights: weights, name: name, function: emitted, kind: .program(module.stacks))
    ]
    if let gradient {
      targets.append(
        Verifier.Target(
          module: try path("gradient"), weights: weights, name: gradient.name, function: gradient.function,
          kind: .gradient(gradient)))
    }
    return targets
  }

  private var signature: Manifest.Signature {
    func tensor(_ name: String, _ type: TensorType) -> Manifest.Tensor {
      Manifest.Tensor(name: name, dtype: type.dtype.rawValue, shape: type.shape.map(\.description))
    }
    let inputs = emitted.arguments.compactMap { argument -> Manifest.Tensor? in
      guard case .input(let leaf) = argument.role else { return nil }
      return tensor(emitted.inputNames[safe: leaf] ?? "input", emitted.type(of: argument.value))
    }
    let outputs = emitted.body.results.enumerated().compactMap { index, result in
      result.asValue.map {
        tensor((trace.document.outputLeaves[safe: index]?.name ?? nil) ?? "output", emitted.type(of: $0))
      }
    }
    return Manifest.Signature(
      inputs: inputs, outputs: outputs, state: emitted.statePaths, newState: emitted.stateUpdates.map(\.path),
      rng: emitted.arguments.contains { $0.role == .key }, mode: emitted.dependsOnMode,
      symbols: emitted.symbols.map {
        Manifest.Symbol(name: $0.name, minimum: $0.minimum, maximum: $0.maximum)
      })
  }
}
