import GraftEmit
import GraftFiles
import GraftIR
import GraftJAX
import GraftTransform

/// The gradient of a converted program, as a program of its own: it takes the inputs and, after them, a cotangent of each
/// floating output, and returns the outputs with the gradients of the parameters and of the floating inputs.
struct GradientProgram: Sendable {
  /// What the source is written from; its results are the outputs and, after these, the gradients.
  let function: GraftIR.Function
  let module: JAXModuleWriter.Module
  /// `eval` or `train`: a gradient is that of one mode.
  let mode: String
  /// The types of the outputs that have a cotangent, by position.
  let cotangents: [(output: Int, type: TensorType)]
  /// The number of outputs.
  let outputCount: Int
  /// The results that are gradients of inputs, by the inputs' positions.
  let inputGradients: [Int: Int]
  /// Those that are gradients of trainable parameters, by path.
  let parameterGradients: [String: Int]

  var name: String { function.name }

  /// - Parameters:
  ///   - function: the program as it was traced; of training, where that differs from inference.
  ///   - emitted: the program that the source is written from.
  ///   - tensor: the values of buffers and constants, where they are known.
  /// - Throws: ``Diagnostic`` when something on the way has no gradient.
  init(
    of function: GraftIR.Function, _ emitted: GraftIR.Function, _ conversion: Conversion,
    tensor: @escaping @Sendable (Argument) throws -> TensorData?
  ) throws {
    // The state that the program itself goes without is none of the gradient's either.
    let function = try Conversion.observed(function, tensor: tensor).0
    let values = Self.differentiable(function)
    let outputs = function.differentiableResults
    if values.isEmpty || outputs.isEmpty {
      throw Diagnostic(
        .unsupported,
        "\(function.name) has no floating \(outputs.isEmpty ? "output" : "input or parameter"), and so no gradient",
        remedy: "Leave `--with-gradient` out.")
    }
    mode = emitted.dependsOnMode ? "train" : "eval"
    let count = function.body.results.count
    var pullback = try Differentiation.pullback(
      of: function, withRespectTo: values.map(\.value), isTraining: mode == "train")
    pullback.outputs = .tuple([function.outputs, Self.gradientTree(values, of: function, from: count)])
    self.function = try Conversion.arranged(pullback)
    module = try conversion.jax(gradient: self.function)
    outputCount = count
    cotangents = outputs.map { ($0.index, function.type(of: $0.value)) }
    var (inputs, parameters): ([Int: Int], [String: Int]) = ([:], [:])
    for (index, argument) in values.enumerated() {
      switch argument.role {
      case .input(let leaf): inputs[leaf] = count + index
      case .parameter(let path, true, _): parameters[path] = count + index
      default: break
      }
    }
    (inputGradients, parameterGradients) = (inputs, parameters)
  }

  /// The parameters, frozen ones among them, and the inputs that have a gradient.
  private static func differentiable(_ function: GraftIR.Function) -> [Argument] {
    function.arguments.filter { argument in
      switch argument.role {
      case .input, .parameter: function.type(of: argument.value).dtype.isDifferentiable
      case .state, .constant, .key: false
      }
    }
  }

  /// `{"params": ..., "inputs": {...}}`, the former nested as the parameters are.
  private static func gradientTree(_ values: [Argument], of function: GraftIR.Function, from first: Int) -> Tree {
    var (inputs, leaves): ([Tree.Field], [String: Int]) = ([], [:])
    for (index, argument) in values.enumerated() {
      if case .input(let leaf) = argument.role {
        inputs.append(Tree.Field(function.inputNames[safe: leaf] ?? "input_\(leaf)", .leaf(first + index)))
      } else if let path = argument.path {
        leaves[path] = first + index
      }
    }
    let tree = ParameterTree(paths: values.compactMap(\.path))
    func nested(_ path: String) -> Tree {
      if let leaf = leaves[path] { return .leaf(leaf) }
      let names = tree.children(of: path)
      if tree.isList(path) { return .list(names.indices.map { nested(path.appendingPath("\($0)")) }) }
      return .dict(names.map { Tree.Field($0, nested(path.appendingPath($0))) })
    }
    var fields: [Tree.Field] = []
    if !leaves.isEmpty { fields.append(Tree.Field("params", nested(""))) }
    if !inputs.isEmpty { fields.append(Tree.Field("inputs", .dict(inputs))) }
    return .dict(fields)
  }
}
