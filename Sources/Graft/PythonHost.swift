package import Foundation
import GraftFiles
import GraftIR
import GraftJAX
import GraftPython
import GraftTorch

/// The user's Python with the embedded tracers and runners in it.
package struct PythonHost: Sendable {
  let runtime: PythonRuntime
  let interpreter: PythonInterpreter

  /// Starts the interpreter, once per process.
  ///
  /// - Parameter python: the interpreter to use; searched for when nil.
  /// - Throws: ``Diagnostic`` that says what is missing and how to get it.
  package static func start(python: String?) async throws -> PythonHost {
    do {
      let interpreter = try await PythonInterpreter.discover(explicit: python)
      return PythonHost(runtime: try await PythonRuntime.start(interpreter), interpreter: interpreter)
    } catch let error as PythonSetupError {
      throw Diagnostic(.missingDependency, error.message, remedy: error.remedy)
    }
  }

  /// Loads the PyTorch frontend's own modules.
  package func loadTorch() async throws {
    for module in TorchTracer.modules { try await load(module.name, module.source, needs: "torch") }
  }

  func loadJAX() async throws {
    for module in JAXRunner.modules { try await load(module.name, module.source, needs: "jax") }
  }

  private func load(_ name: String, _ source: String, needs package: String) async throws {
    do {
      try await runtime.load(module: name, source: source, filename: "<graft>/\(name).py")
    } catch let error as PythonError where error.type.hasSuffix("ModuleNotFoundError") {
      throw Diagnostic(
        .missingDependency, "\(interpreter.executable) cannot import what Graft needs: \(error.message)",
        remedy:
          "Install it: `\(interpreter.executable) -m pip install \(package)`, or choose another Python with --python; "
          + "`graft doctor` shows what is there.")
    } catch let error as PythonError {
      throw Diagnostic(python: error)
    }
  }

  /// Loads a Python module from source and calls a function of it, in the manner of the embedded ones.
  ///
  /// - Returns: the JSON text that the function returned.
  package func call(
    source: String, as module: String, _ function: String, _ request: some Encodable
  ) async throws -> Data {
    try await load(module, source, needs: "torch")
    return try await call(module, function, request).json
  }

  /// Calls a function of an embedded module with a JSON request.
  ///
  /// - Parameter explain: says what an exception without an error code means, where the caller knows better.
  func call<Request: Encodable>(
    _ module: String, _ function: String, _ request: Request, tensors: [String: TensorData] = [:],
    progress: PythonRuntime.ProgressHandler? = nil, explain: (PythonError) -> Diagnostic = Diagnostic.init(python:)
  ) async throws -> PythonReply {
    let text = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
    do {
      return try await runtime.call(
        module, function, request: text, tensors: tensors.mapValues { $0.lentToPython() }, progress: progress)
    } catch let error as PythonError {
      throw error.code == nil ? explain(error) : Diagnostic(python: error)
    }
  }
}

extension TensorData {
  /// The bytes as Python's to read, without a copy.
  fileprivate func lentToPython() -> PythonBytes {
    let owner = Owner(tensor: self)
    return withUnsafeBytes { PythonBytes($0, owner: owner) }
  }

  private final class Owner: Sendable {
    let tensor: TensorData
    init(tensor: TensorData) { self.tensor = tensor }
  }

  /// A tensor that came out of Python, without a copy.
  ///
  /// - Throws: ``TensorDataError`` when the bytes do not make a tensor of this type.
  init(_ buffer: PythonBuffer, dtype: DType, shape: [Int]) throws {
    let bytes = buffer.withUnsafeBytes { $0 }
    try self.init(dtype: dtype, shape: shape, foreign: bytes) { withExtendedLifetime(buffer) {} }
  }
}

extension Diagnostic {
  /// What went wrong in Python, in the terms of the embedded modules' own error codes.
  init(python error: PythonError) {
    guard let code = error.code else {
      self.init(
        .internalError, "Python raised \(error.type): \(error.message)",
        remedy: "This is a defect of Graft or of the framework; please report it with the traceback.",
        notes: error.traceback.split(separator: "\n").suffix(12).map(String.init))
      return
    }
    let details = error.details.flatMap { try? JSONDecoder().decode(String.self, from: Data($0.utf8)) }
    let notes = details?.split(separator: "\n").map(String.init) ?? []
    self.init(Self.kind(of: code), error.message, remedy: error.remedy, notes: notes)
  }

  private static func kind(of code: String) -> Code {
    switch code {
    case "data-dependent", "higher-order", "unsupported-node", "size-expression", "random-operator", "export-failed",
      "dynamic-specialised", "dynamic-relation":
      .unsupported
    case "constructor-raised", "forward-raised", "inputs-raised", "import-failed": .sourceFailed
    case let code where code.hasPrefix("python."): .internalError
    default: .invalidInput
    }
  }
}
