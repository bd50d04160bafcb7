import GraftEmit
import GraftIR
import GraftSyntax

/// The functions of an emitted file that load its parameters and state, and stack the parameters of layers that are scanned.
struct StackingLoader {
  let helpers: [HelperLibrary.Helper]
  /// What comes first: the function that stacks what the others load.
  private let stacking: [PythonStatement]

  private static let name = "load_params"
  private static let inner = "_load_tree"

  /// What the functions of a loader that stacks are called beside `load_params`.
  static let stackingNames = [inner, ScanWriter.stackHelper]

  /// - Parameter stacks: the modules of the function whose parameters are stacked.
  init(_ function: Function, stacks: [ParameterStack]) {
    let (parameters, state) = (function.parameterPaths, function.statePaths)
    guard !parameters.isEmpty || !state.isEmpty else {
      (helpers, stacking) = ([], [])
      return
    }
    let loading = JAXLoader(parameters: parameters, state: state).functions()
    if stacks.isEmpty {
      (helpers, stacking) = (loading, [])
    } else {
      helpers =
        loading.map { $0.renaming(Self.name, to: Self.inner) }
        + JAXHelpers.stacking.closure(of: [ScanWriter.stackHelper])
      let definition = Self.definition(stacks, ParameterTree(paths: parameters), hasState: !state.isEmpty)
      stacking = [.function(definition)]
    }
  }

  var statements: [PythonStatement] { stacking + helpers.map { .source($0.source) } }

  private static func definition(_ stacks: [ParameterStack], _ tree: ParameterTree, hasState: Bool) -> PythonFunction {
    let names: PythonExpression = hasState ? .tuple(["params", "state"]) : "params"
    let roller = LoopRoller(avoiding: Set(stackingNames)) { list in
      list.treePath(in: "params").flatMap { tree.size($0) }
    }
    let stacking = roller.roll(stacks.statements(tree))
    return PythonFunction(
      name, PythonParameters([PythonParameter("path", annotation: "str")]),
      returns: hasState ? PythonExpression.name("tuple")["dict", "dict"] : "dict",
      docstring: hasState
        ? "Parameters, nested as the modules are and stacked where layers are scanned, and state."
        : "Parameters, nested as the modules are; those of layers that are scanned are stacked.",
      body: [.assign(names, PythonExpression.name(inner).call("path"))] + stacking + [.return(names)])
  }
}

extension Function {
  /// The types of the parameters, by path.
  var parameterTypes: [String: TensorType] {
    var types: [String: TensorType] = [:]
    for argument in arguments {
      if case .parameter(let path, _, _) = argument.role { types[path] = type(of: argument.value) }
    }
    return types
  }
}
