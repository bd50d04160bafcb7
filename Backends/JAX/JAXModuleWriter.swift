import GraftEmit
package import GraftIR
import GraftSyntax

/// Writes a function as a JAX source file: `NAME(params, [state,] *inputs, [rng=None,] [train=False])` and a loader.
package struct JAXModuleWriter {
  private let function: Function
  private let provenance: Provenance
  private let emitter: FunctionEmitter

  /// What the module's docstring says of where it came from.
  package struct Provenance: Sendable {
    /// `PyTorch 2.13 (torchvision.models.resnet18)`.
    package var source: String
    /// `torchvision/models/resnet.py:166 ResNet`.
    package var origin: String
    package var weightsFile: String

    package init(source: String, origin: String, weightsFile: String) {
      self.source = source
      self.origin = origin
      self.weightsFile = weightsFile
    }
  }

  package init(_ function: Function, provenance: Provenance) {
    self.function = function
    self.provenance = provenance
    emitter = FunctionEmitter(function, target: JAXTarget())
  }

  /// - Throws: ``Diagnostic`` for an op that JAX cannot express.
  package func write() throws -> String {
    let parameters = bindArguments()
    try emitter.emitBody()
    let results = returnStatements()
    let body = try sizeStatements() + newStateStatements() + emitter.statements + results
    let main = PythonFunction(
      function.name, PythonParameters(parameters.positional, keywordOnly: parameters.keywordOnly),
      returns: returnAnnotation, docstring: docstring, body: body)
    return module(main).rendered()
  }

  // MARK: Signature

  private var hasParameters: Bool { !function.parameterPaths.isEmpty }
  private var hasState: Bool { !function.statePaths.isEmpty }
  private var drawsRandomNumbers: Bool { function.arguments.contains { $0.role == .key } }
  private var returnsState: Bool { hasState && !function.stateUpdates.isEmpty }

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
        function.alwaysDraws
          ? PythonParameter("rng", annotation: type)
          : PythonParameter("rng", annotation: type | .none, default: PythonExpression.none))
    }
    if function.needsTrainFlag {
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
      case .leaf: annotation = emitter.imports.resolve("jax.Array")
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
      for (index, child) in children.enumerated() { bind(child, to: expression[.integer(index)], leaves: leaves) }
    case .dict(let fields), .record(_, let fields):
      for field in fields { bind(field.tree, to: expression[.string(field.name)], leaves: leaves) }
    case .constant: break
    }
  }

  // MARK: Body

  /// `n, t = x.shape[0], x.shape[1]` for the dynamic extents that the body mentions.
  private func sizeStatements() throws -> [PythonStatement] {
    var statements: [PythonStatement] = []
    for symbol in emitter.usedSymbols {
      guard let source = emitter.extent(of: symbol) else {
        throw Diagnostic(.unsupported, "no input has the dynamic dimension \(symbol) as an extent of its own")
      }
      statements.append(.assign(.name(FunctionEmitter.symbolName(symbol)), source))
    }
    return statements
  }

  private func newStateStatements() -> [PythonStatement] {
    guard emitter.usesNewState else { return [] }
    let copy = emitter.imports.resolve("jax.tree.map").call(
      .lambda(PythonParameters([PythonParameter("leaf")]), "leaf"), "state")
    return [.assign("new_state", copy)]
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
    return hasState ? PythonExpression.name("tuple")[outputs, "dict"] : outputs
  }

  private func returnStatements() -> [PythonStatement] {
    for update in function.stateUpdates {
      if let value = update.value.asValue, emitter.isStored(value) { continue }
      emitter.append(.assign(emitter.newStateAccess(update.path), emitter.expression(update.value)))
    }
    let leaves = function.body.results.map { emitter.expression($0) }
    let outputs = expression(function.outputs, leaves: leaves)
    guard hasState else { return [.return(outputs)] }
    return [.return(.tuple([outputs, returnsState ? "new_state" : "state"]))]
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

  // MARK: Module

  private var docstring: String {
    let inputs = function.arguments.compactMap { argument -> String? in
      guard case .input(let leaf) = argument.role else { return nil }
      let name = function.inputNames.indices.contains(leaf) ? function.inputNames[leaf] : "input"
      let extents = function.type(of: argument.value).shape.map(\.description).joined(separator: ", ")
      return "\(name) [\(extents)]"
    }
    let of = inputs.isEmpty ? "" : " of \(inputs.joined(separator: ", "))"
    return "\(function.name)\(of) (\(provenance.origin))."
  }

  private func module(_ main: PythonFunction) -> PythonModule {
    let called = emitter.usedHelpers
    let loader = hasState ? JAXHelpers.stateLoader : JAXHelpers.loader
    let loading = hasState || hasParameters ? loader.closure(of: ["load_params"]) : []
    var imports = emitter.imports
    for helper in called + loading { imports.require(names: helper.references) }
    imports.require(
      names: ["Array"].filter { _ in main.parameters.all.contains { $0.annotation != "dict" } || !hasState })
    return PythonModule(
      docstring: moduleDocstring, imports: imports.statements,
      statements: called.map { .source($0.source) } + [.function(main)]
        + loading.map { .source($0.source) })
  }

  private var moduleDocstring: String {
    let names = function.inputArgumentNames
    let arguments = (hasParameters ? ["params"] : []) + (hasState ? ["state"] : []) + names
    let call = "\(function.name)(\(arguments.joined(separator: ", ")))"
    var lines = ["\(function.name) in JAX, converted from \(provenance.source).", ""]
    if hasState {
      lines.append("params, state = load_params(\"\(provenance.weightsFile)\")")
    } else if hasParameters {
      lines.append("params = load_params(\"\(provenance.weightsFile)\")")
    }
    lines.append("outputs\(hasState ? ", state" : "") = \(call)")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Function {
  /// Whether the emitted function has to be told that it is in training.
  var needsTrainFlag: Bool {
    func needs(_ block: Block) -> Bool {
      block.operations.contains { operation in
        switch operation.name {
        case "batch_norm": operation.attributes["statistics"]?.asString ?? "mode" == "mode"
        case "mode": !operation.regions[0].drawsRandomNumbers || operation.regions.contains(where: needs)
        default: operation.regions.contains(where: needs)
        }
      }
    }
    return needs(body)
  }

  /// Input values by leaf number.
  var inputLeaves: [Int: Value] {
    var leaves: [Int: Value] = [:]
    for argument in arguments {
      if case .input(let leaf) = argument.role { leaves[leaf] = argument.value }
    }
    return leaves
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
