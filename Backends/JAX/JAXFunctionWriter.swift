import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax
import GraftTransform
import OrderedCollections

/// Writes one function of a JAX module: `NAME(params, [state,] *inputs, [*, rng=None,] [train=False])`.
struct JAXFunctionWriter {
  /// A function as source, and how it is called.
  struct Written {
    var function: PythonFunction
    var interface: FunctionInterface
    var imports: ImportSet
    var helpers: HelperUses
    /// How many children a node of the parameters has.
    var treeSize: (PythonExpression) -> TreeSize?
    /// By position in the function's body.
    var types: VariableTypes
    /// Whether a call of another such function stands within one.
    var hasNestedCalls: Bool
    /// Those of the inputs that are no lists or dicts.
    var tensors: [PassedTensor]
  }

  private let function: Function
  private let isMain: Bool
  private let calls: [EmittedCall]
  private let optionalInputs: Set<Int>
  private let emitter: FunctionEmitter

  /// - Parameters:
  ///   - calls: what the function's calls call, by site.
  ///   - main: the name of the file's main function; nil if it is this one.
  ///   - helpers: the names of the helper functions that the file has; nil if it may have any.
  ///   - nestsCalls: whether calls may be written within one another.
  init(
    _ outlined: OutlinedFunction, calls: [EmittedCall], main: String?, helpers: Set<String>? = nil,
    nestsCalls: Bool = true
  ) {
    function = outlined.function
    isMain = main == nil
    self.calls = calls
    optionalInputs = outlined.optionalInputs
    emitter = FunctionEmitter(
      outlined.function, target: JAXTarget(), calls: calls, main: main, helpers: helpers, nestsCalls: nestsCalls,
      outerFrames: outlined.outerFrames)
  }

  /// - Throws: ``Diagnostic`` for an op that JAX cannot express.
  func write() throws -> Written {
    let parameters = bindArguments()
    try emitter.emitBody()
    let results = returnStatements()
    let (sizes, body) = try sizeStatements(for: emitter.statements + results)
    let written = PythonFunction(
      function.name, PythonParameters(parameters.positional, keywordOnly: parameters.keywordOnly),
      returns: returnAnnotation, body: sizes + body)
    let emitter = emitter
    return Written(
      function: written, interface: interface, imports: emitter.imports, helpers: emitter.helpers,
      treeSize: { emitter.treeSize($0) }, types: emitter.variableTypes.moved(by: sizes.count),
      hasNestedCalls: emitter.hasNestedCalls, tensors: passedTensors(parameters.positional))
  }

  /// The tensors that parameters stand for.
  private func passedTensors(_ parameters: [PythonParameter]) -> [PassedTensor] {
    guard case .dict(let fields) = function.inputs else { return [] }
    let leaves = function.inputLeaves
    let inputs = fields.filter { !$0.tree.leaves.isEmpty }
    return zip(inputs, parameters.suffix(inputs.count)).compactMap { field, parameter in
      guard let value = field.tree.soleLeaf.flatMap({ leaves[$0] }) else { return nil }
      return PassedTensor(parameter.name, function.type(of: value).shape.map(\.knownValue))
    }
  }

  private var interface: FunctionInterface {
    FunctionInterface(
      name: function.name, takesParameters: hasParameters, takesState: hasState, returnsState: returnsState,
      takesTrain: takesTrain, key: drawsRandomNumbers ? emitter.alwaysDraws ? .required : .optional : .none)
  }

  // MARK: Signature

  private var hasParameters: Bool { !function.parameterPaths.isEmpty }
  private var hasState: Bool { !function.statePaths.isEmpty }
  private var drawsRandomNumbers: Bool { function.arguments.contains { $0.role == .key } }
  private var returnsState: Bool {
    hasState && (!function.stateUpdates.isEmpty || calls.contains { $0.interface.returnsState })
  }
  private var takesTrain: Bool { function.needsTrainFlag || calls.contains { $0.interface.takesTrain } }

  /// Gives every argument its expression, and returns the parameters of the emitted function.
  private func bindArguments() -> (positional: [PythonParameter], keywordOnly: [PythonParameter]) {
    let dict = PythonExpression.name("dict")
    var positional: [PythonParameter] = []
    if hasParameters { positional.append(PythonParameter("params", annotation: dict)) }
    if hasState { positional.append(PythonParameter("state", annotation: dict)) }
    positional += bindInputs()
    for argument in function.arguments {
      switch argument.role {
      case .parameter(let path, _, _): emitter.bind(argument.value, to: emitter.parameterAccess(path))
      case .constant(let name): emitter.bind(argument.value, to: emitter.stateAccess("constants.\(name)"))
      case .state(let path, _): emitter.bind(argument.value, to: emitter.stateAccess(path))
      case .key: emitter.bind(argument.value, to: "rng")
      case .input: break
      }
    }
    var keywordOnly: [PythonParameter] = []
    if drawsRandomNumbers {
      let type = emitter.imports.resolve("jax.Array")
      keywordOnly.append(
        emitter.alwaysDraws
          ? PythonParameter("rng", annotation: type)
          : PythonParameter("rng", annotation: type | .none, default: PythonExpression.none))
    }
    if takesTrain {
      keywordOnly.append(PythonParameter("train", annotation: "bool", default: false))
    }
    return (positional, keywordOnly)
  }

  private func bindInputs() -> [PythonParameter] {
    let leaves = function.inputLeaves
    guard case .dict(let fields) = function.inputs else { return [] }
    var parameters: [PythonParameter] = []
    for field in fields where !field.tree.leaves.isEmpty {
      let name = emitter.declareInput(field.name, leaf: field.tree.soleLeaf.flatMap { leaves[$0] })
      let annotation: PythonExpression
      switch field.tree {
      case .leaf(let leaf):
        let array = emitter.imports.resolve("jax.Array")
        annotation = optionalInputs.contains(leaf) ? array | .none : array
      case .tuple: annotation = "tuple"
      case .list: annotation = "list"
      default: annotation = "dict"
      }
      parameters.append(PythonParameter(name, annotation: annotation))
      bind(field.tree, to: .name(name), leaves: leaves)
    }
    return parameters
  }

  private func bind(_ tree: Tree, to expression: PythonExpression, leaves: [Int: Value]) {
    switch tree {
    case .leaf(let index): if let value = leaves[index] { emitter.bind(value, to: expression) }
    case .tuple(let children), .list(let children):
      emitter.bind(list: children.compactMap { $0.soleLeaf.flatMap { leaves[$0] } }, to: expression)
      for (index, child) in children.enumerated() { bind(child, to: expression[.integer(index)], leaves: leaves) }
    case .dict(let fields), .record(_, let fields):
      for field in fields { bind(field.tree, to: expression[.string(field.name)], leaves: leaves) }
    case .constant: break
    }
  }

  // MARK: Body

  /// `n, t, _ = x.shape` for the dynamic extents that a body mentions, and the body; an extent that it mentions once is
  /// read in place.
  private func sizeStatements(
    for body: [PythonStatement]
  ) throws -> (sizes: [PythonStatement], body: [PythonStatement]) {
    var sources: OrderedDictionary<PythonExpression, [(axis: Int, name: String)]> = [:]
    var others: [PythonStatement] = []
    for symbol in emitter.usedSymbols {
      guard let extent = emitter.extent(of: symbol) else {
        throw Diagnostic(.unsupported, "no input has the dynamic dimension \(symbol) as an extent of its own")
      }
      let name = FunctionEmitter.symbolName(symbol)
      if case .axis(let input, let axis) = extent.source {
        sources[input, default: []].append((axis, name))
      } else {
        others.append(.assign(.name(name), extent.expression))
      }
    }
    let all = sources.map { sizes($0.value.sorted { $0.axis < $1.axis }, of: $0.key) }.flatMap { $0 } + others
    var (kept, body): ([PythonStatement], [PythonStatement]) = ([], body)
    for size in all {
      if let inlined = body.inlining(size) { body = inlined } else { kept.append(size) }
    }
    return (kept, body)
  }

  private func sizes(_ axes: [(axis: Int, name: String)], of input: PythonExpression) -> [PythonStatement] {
    let shape = input.attribute("shape")
    let isLeading = axes.enumerated().allSatisfy { $0.offset == $0.element.axis }
    guard axes.count > 1, isLeading else {
      return axes.map { .assign(.name($0.name), shape[.integer($0.axis)]) }
    }
    let names = axes.map { PythonExpression.name($0.name) }
    let rank = emitter.rank(of: input) ?? 0
    switch rank - axes.count {
    case 0: return [.assign(.tuple(names), shape)]
    case 1: return [.assign(.tuple(names + ["_"]), shape)]
    default: return [.assign(.tuple(names), shape[.slice(nil, .integer(axes.count))])]
    }
  }

  private var returnAnnotation: PythonExpression {
    let outputs: PythonExpression
    switch function.outputs {
    case .leaf: outputs = emitter.imports.resolve("jax.Array")
    case .tuple(let children) where children.allSatisfy({ $0.soleLeaf != nil }):
      let array = emitter.imports.resolve("jax.Array")
      outputs = PythonExpression.name("tuple")[.tuple(children.map { _ in array })]
    case .tuple: outputs = "tuple"
    case .list: outputs = "list"
    case .constant: outputs = .none
    default: outputs = "dict"
    }
    return returnsState ? PythonExpression.name("tuple")[outputs, "dict"] : outputs
  }

  private func returnStatements() -> [PythonStatement] {
    for update in function.stateUpdates {
      if let value = update.value.asValue, emitter.isStored(value) { continue }
      emitter.append(.assign(emitter.newStateAccess(update.path), emitter.expression(update.value)))
    }
    let leaves = function.body.results.map { emitter.expression($0) }
    let outputs = expression(function.outputs, leaves: leaves)
    guard returnsState else { return [.return(outputs)] }
    return [.return(.tuple([outputs, "new_state"]))]
  }

  private func expression(_ tree: Tree, leaves: [PythonExpression]) -> PythonExpression {
    switch tree {
    case .leaf(let index): leaves.indices.contains(index) ? leaves[index] : .none
    case .tuple(let children): .tuple(children.map { expression($0, leaves: leaves) })
    case .list(let children): .list(children.map { expression($0, leaves: leaves) })
    case .dict(let fields), .record(_, let fields):
      .dictionary(stringKeys: fields.map { ($0.name, expression($0.tree, leaves: leaves)) })
    case .constant(let attribute): emitter.plain(attribute)
    }
  }
}

extension Function {
  /// Whether the emitted function has to be told that it is in training.
  var needsTrainFlag: Bool {
    func needs(_ block: Block) -> Bool {
      block.operations.contains { operation in
        switch operation.name {
        case "batch_norm": OpDefinition.batchNorm.dependsOnMode(operation)
        case "mode": !operation.regions[0].drawsRandomNumbers || operation.regions.contains(where: needs)
        default: operation.regions.contains(where: needs)
        }
      }
    }
    return needs(body)
  }

  /// The names of the arguments that hold tensors.
  var inputArgumentNames: [String] {
    guard case .dict(let fields) = inputs else { return [] }
    return fields.filter { !$0.tree.leaves.isEmpty }.map { PythonIdentifier.snakeCase($0.name) }
  }
}

extension Tree {
  fileprivate var soleLeaf: Int? { if case .leaf(let index) = self { index } else { nil } }
}
