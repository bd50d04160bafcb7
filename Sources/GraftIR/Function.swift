/// A nested structure of tensors, as Python programs pass and return them.
package indirect enum Tree: Hashable, Sendable {
  /// The tensor with this number among the flattened leaves.
  case leaf(Int)
  case tuple([Tree])
  case list([Tree])
  case dict([Field])
  /// A record class with named fields, such as a dataclass.
  case record(className: String, fields: [Field])
  /// Anything that is not a tensor.
  case constant(Attribute)

  package struct Field: Hashable, Sendable {
    package var name: String
    package var tree: Tree
    package init(_ name: String, _ tree: Tree) {
      self.name = name
      self.tree = tree
    }
  }

  /// The leaf numbers in order.
  package var leaves: [Int] {
    switch self {
    case .leaf(let index): [index]
    case .tuple(let trees), .list(let trees): trees.flatMap(\.leaves)
    case .dict(let fields), .record(_, let fields): fields.flatMap(\.tree.leaves)
    case .constant: []
    }
  }

  /// A name for each leaf: the keys and positions on the way to it, `logits` or `states.0`; `output` for the tree's root.
  package var leafNames: [Int: String] {
    var names: [Int: String] = [:]
    func visit(_ tree: Tree, _ path: String) {
      func enter(_ key: String, _ inner: Tree) { visit(inner, path.isEmpty ? key : "\(path).\(key)") }
      switch tree {
      case .leaf(let index): names[index] = path.isEmpty ? "output" : path
      case .tuple(let trees), .list(let trees):
        for (index, inner) in trees.enumerated() { enter("\(index)", inner) }
      case .dict(let fields), .record(_, let fields):
        for field in fields { enter(field.name, field.tree) }
      case .constant: break
      }
    }
    visit(self, "")
    return names
  }
}

/// A value that comes from outside a function.
package struct Argument: Hashable, Sendable {
  package enum Role: Hashable, Sendable {
    /// A tensor that the caller passes: a leaf of the function's input tree.
    case input(leaf: Int)
    /// A weight, by path; `aliases` are the other paths of a tied one.
    case parameter(path: String, trainable: Bool, aliases: [String])
    /// A buffer, by path; it may change when the function runs.
    case state(path: String, persistent: Bool)
    /// A tensor that the program holds but is not part of the model's state.
    case constant(name: String)
    /// The random key.
    case key
  }

  package var role: Role
  package var value: Value

  package init(_ role: Role, _ value: Value) {
    self.role = role
    self.value = value
  }

  /// The path of a parameter or state, the name of a constant.
  package var path: String? {
    switch role {
    case .parameter(let path, _, _), .state(let path, _): path
    case .constant(let name): name
    case .input, .key: nil
    }
  }
}

/// What is known of a value: its type and the name it had in the source.
package struct ValueInfo: Hashable, Sendable {
  package var type: TensorType
  package var hint: String?
  package init(_ type: TensorType, hint: String? = nil) {
    self.type = type
    self.hint = hint
  }
}

/// The new value of a buffer after the function has run.
package struct StateUpdate: Hashable, Sendable {
  package var path: String
  package var value: Operand
  package init(path: String, value: Operand) {
    self.path = path
    self.value = value
  }
}

/// A program: tensors in, tensors out, with the weights and state it reads.
///
/// Operations may depend on the mode the function runs in (training or inference): `batch_norm`, `dropout` and the
/// region op `mode` do; everything else is the same in both.
package struct Function: Hashable, Sendable {
  package var name: String
  /// A line about where the program came from.
  package var summary: String
  package var symbols: [Symbol]
  package var arguments: [Argument]
  /// A dict of the named arguments.
  package var inputs: Tree
  package var inputNames: [String]
  package var outputs: Tree
  package var body: Block
  package var stateUpdates: [StateUpdate]
  /// What the program's modules call the tensors that they are passed.
  package var passedNames: PassedNames
  /// The calls of functions of the program's own source; one that another is made in comes before it.
  package var calls: [FunctionCall]
  package private(set) var values: [ValueInfo]

  package init(name: String, summary: String = "") {
    self.name = name
    self.summary = summary
    symbols = []
    arguments = []
    inputs = .dict([])
    inputNames = []
    outputs = .tuple([])
    body = Block()
    stateUpdates = []
    passedNames = PassedNames()
    calls = []
    values = []
  }

  package mutating func makeValue(_ type: TensorType, hint: String? = nil) -> Value {
    values.append(ValueInfo(type, hint: hint))
    return Value(values.count - 1)
  }

  /// The type of a value of this function.
  package func type(of value: Value) -> TensorType { values[value.id].type }

  package func info(_ value: Value) -> ValueInfo { values[value.id] }

  package mutating func setType(_ type: TensorType, of value: Value) { values[value.id].type = type }

  package mutating func setHint(_ hint: String?, of value: Value) { values[value.id].hint = hint }

  /// The values of the inputs by leaf of the function's input tree.
  package var inputLeaves: [Int: Value] {
    var leaves: [Int: Value] = [:]
    for argument in arguments {
      if case .input(let leaf) = argument.role { leaves[leaf] = argument.value }
    }
    return leaves
  }

  /// The values of the inputs in the order of their leaves.
  package var inputValues: [Value] { inputLeaves.sorted { $0.key < $1.key }.map(\.value) }

  /// The paths of parameters, in order.
  package var parameterPaths: [String] {
    arguments.compactMap { argument in
      switch argument.role {
      case .parameter(let path, _, _): path
      default: nil
      }
    }
  }

  /// The paths of what is neither passed in as an input nor trained: buffers, and constants under `constants`.
  package var statePaths: [String] {
    arguments.compactMap { argument in
      switch argument.role {
      case .state(let path, _): path
      case .constant(let name): "constants.\(name)"
      default: nil
      }
    }
  }

  /// Every value that leaves the function.
  package var escapingValues: [Value] {
    body.results.flatMap(\.values) + stateUpdates.flatMap(\.value.values)
  }

  /// The results that have a gradient, by position: those of a floating or complex type.
  package var differentiableResults: [(index: Int, value: Value)] {
    body.results.enumerated().compactMap { index, result in
      result.asValue.flatMap { type(of: $0).dtype.isDifferentiable ? (index, $0) : nil }
    }
  }
}
