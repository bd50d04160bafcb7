import GraftFiles
import GraftIR
import GraftJAX

/// A tensor's type on its way into Python.
struct TensorDescription: Codable, Sendable {
  var dtype: String
  var shape: [Int]

  init(_ tensor: TensorData) {
    dtype = tensor.dtype.rawValue
    shape = tensor.shape
  }
}

/// Asks the source's runner for one execution.
struct SourceRunRequest: Encodable, Sendable {
  var entry: String
  var `init`: String?
  var name: String?
  var parameters: [String: TensorDescription]
  var mode: String
  var dtype: String?
  /// A seed to change inputs and weights by one unit in the last place with, at random; nil leaves them.
  var perturbation: Int?
  var draws: Int
  var inputs: [TensorDescription]
  var gradients: Bool
  var watch: Bool
}

/// Asks the target's runner for one execution.
struct TargetRunRequest: Encodable, Sendable {
  var module: String
  var weights: String
  var function: String
  var stacks: [StackDescription]
  var mode: String
  var x64: Bool
  /// Whether to run everything in float64.
  var wide: Bool
  var draws: Int
  var inputs: [TensorDescription]
  var structure: TreeDocument
  var result: TreeDocument
  var outputs: [Int]
  /// The paths of the parameters to find gradients of.
  var trainable: [String] = []
  var gradients: Bool
  /// Of a function that computes gradients itself, which of its results they are.
  var pullback: PullbackDescription?
  /// Whether to map the function over a stack of inputs as well.
  var vmap = false
  /// The paths of the modules to report the outputs of.
  var watch: [String] = []

  init(
    _ target: Verifier.Target, mode: String, wide: Bool, seed: Int, inputs: [TensorDescription],
    tensors: [String: TensorData]
  ) {
    module = target.module
    weights = target.weights
    function = target.name
    self.mode = mode
    self.wide = wide
    x64 = wide || target.function.needs64Bits
    draws = seed
    self.inputs = inputs
    structure = .tree(target.function.inputs)
    result = .tree(target.function.outputs)
    outputs = Array(target.function.body.results.indices)
    switch target.kind {
    case .program(let stacks):
      self.stacks = stacks.map(StackDescription.init)
      gradients = true
    case .gradient(let gradient):
      stacks = []
      gradients = false
      pullback = PullbackDescription(gradient, given: tensors)
    }
  }
}

/// What a function that computes gradients takes and returns.
struct PullbackDescription: Encodable, Sendable {
  struct Cotangent: Encodable, Sendable {
    /// The output that it belongs to.
    var output: Int
    /// Its type as passed on, and as given.
    var dtype: String
    var given: TensorDescription
  }

  struct InputGradient: Encodable, Sendable {
    var input: Int
    var result: Int
  }

  /// How many of the results are outputs.
  var outputs: Int
  /// What is passed after the inputs.
  var cotangents: [Cotangent]
  var inputs: [InputGradient]
  /// The results that are gradients of trainable parameters, by path.
  var parameters: [String: Int]

  /// - Parameter given: the tensors of the request, `cotangent.k` that of output k.
  init(_ gradient: GradientProgram, given: [String: TensorData]) {
    outputs = gradient.outputCount
    cotangents = gradient.cotangents.compactMap { output, type in
      given["cotangent.\(output)"].map {
        Cotangent(output: output, dtype: type.dtype.rawValue, given: TensorDescription($0))
      }
    }
    inputs = gradient.inputGradients.sorted { $0.key < $1.key }.map { InputGradient(input: $0.key, result: $0.value) }
    parameters = gradient.parameterGradients
  }
}

/// Modules whose parameters the target keeps as one tree of stacked arrays.
struct StackDescription: Encodable, Sendable {
  var path: String
  var members: [String]
  /// The tree's name beside those that are not stacked; nil if it takes the place of all of them.
  var position: String?

  init(_ stack: ParameterStack) {
    path = stack.path
    members = stack.members
    position = stack.position
  }
}

/// A nested structure as the runners read it.
indirect enum TreeDocument: Encodable, Sendable {
  case tree(Tree)

  private enum Keys: String, CodingKey { case leaf, tuple, list, dict, dataclass, fields, const }

  func encode(to encoder: any Encoder) throws {
    guard case .tree(let tree) = self else { return }
    var container = encoder.container(keyedBy: Keys.self)
    switch tree {
    case .leaf(let index): try container.encode(index, forKey: .leaf)
    case .tuple(let children): try container.encode(children.map(TreeDocument.tree), forKey: .tuple)
    case .list(let children): try container.encode(children.map(TreeDocument.tree), forKey: .list)
    case .dict(let fields): try container.encode(fields.map(FieldDocument.init), forKey: .dict)
    case .record(let name, let fields):
      try container.encode(name, forKey: .dataclass)
      try container.encode(fields.map(FieldDocument.init), forKey: .fields)
    case .constant: try container.encodeNil(forKey: .const)
    }
  }
}

private struct FieldDocument: Encodable, Sendable {
  var field: Tree.Field

  func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(field.name)
    try container.encode(TreeDocument.tree(field.tree))
  }
}
