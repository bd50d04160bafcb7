import Foundation
import GraftFiles
import GraftIR
import GraftPython

/// What a runner, the source's or the target's, returned.
struct RunReply: Sendable {
  var outputs: [TensorData]
  /// By input; nil where nothing depends on it.
  var inputGradients: [TensorData?]
  var parameterGradients: [String: TensorData?]
  var state: [String: TensorData]
  /// The output of each watched module: of its first call, where that is a single tensor.
  var modules: [String: TensorData]
  /// The floating inputs that the source cannot be differentiated by.
  var undifferentiableInputs: [Int]
  /// Why the source has no gradients at all.
  var gradientProblem: String?
  /// The state that a target changed.
  var changed: [String]
  /// The outputs for a stack of inputs, mapped and one by one, where that was asked for.
  var vectorised: [(mapped: TensorData, looped: TensorData)]

  init(_ reply: PythonReply) throws {
    let document = try JSONDecoder().decode(Document.self, from: reply.json)
    func tensor(_ name: String, _ description: TensorDescription) throws -> TensorData {
      guard let buffer = reply.tensors[name], let dtype = DType(name: description.dtype) else {
        throw Diagnostic(.internalError, "a runner did not return the tensor `\(name)`")
      }
      return try TensorData(buffer, dtype: dtype, shape: description.shape)
    }
    outputs = try document.outputs.enumerated().map { try tensor("output.\($0)", $1) }
    inputGradients = try document.inputGradients.enumerated().map { index, description in
      try description.map { try tensor("input_gradient.\(index)", $0) }
    }
    parameterGradients = [:]
    for (path, description) in document.parameterGradients {
      parameterGradients[path] = .some(try description.map { try tensor("parameter_gradient.\(path)", $0) })
    }
    state = [:]
    for (path, description) in document.state { state[path] = try tensor("state.\(path)", description) }
    undifferentiableInputs = document.undifferentiableInputs ?? []
    gradientProblem = document.gradientProblem
    changed = document.changed ?? []
    vectorised = try (document.vmap ?? []).enumerated().map { index, description in
      (try tensor("vmap.\(index)", description), try tensor("loop.\(index)", description))
    }
    modules = [:]
    for (path, output) in document.modules {
      switch output {
      case .watched(let description): modules[path] = try tensor("module.\(path)", description)
      case .calls(let calls):
        guard calls.count == 1, calls[0].outputs.count == 1 else { continue }
        modules[path] = try tensor("module.\(path).0.0", calls[0].outputs[0])
      }
    }
  }

  private struct Document: Decodable {
    var outputs: [TensorDescription]
    var inputGradients: [TensorDescription?]
    var parameterGradients: [String: TensorDescription?]
    var state: [String: TensorDescription]
    var modules: [String: ModuleOutput]
    var undifferentiableInputs: [Int]?
    var gradientProblem: String?
    var changed: [String]?
    var vmap: [TensorDescription]?

    enum CodingKeys: String, CodingKey {
      case outputs, state, modules, changed, vmap
      case inputGradients = "input_gradients"
      case parameterGradients = "parameter_gradients"
      case undifferentiableInputs = "undifferentiable_inputs"
      case gradientProblem = "gradient_problem"
    }
  }

  /// The target's runner watches one value a module, the source's all calls.
  private enum ModuleOutput: Decodable {
    case watched(TensorDescription)
    case calls([Call])

    struct Call: Decodable {
      var outputs: [TensorDescription]
    }

    init(from decoder: any Decoder) throws {
      if let calls = try? [Call](from: decoder) {
        self = .calls(calls)
      } else {
        self = .watched(try TensorDescription(from: decoder))
      }
    }
  }
}
