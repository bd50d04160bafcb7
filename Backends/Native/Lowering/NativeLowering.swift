import GraftFiles
import GraftIR
import GraftOps
import GraftTransform

/// From a function to a plan.
enum NativeLowering {
  /// The function in one mode, in terms of the ops that have a rule.
  ///
  /// - Throws: ``Diagnostic`` with the code `unsupported` that lists every op without one.
  static func prepare(_ function: Function, isTraining: Bool = false) throws -> Function {
    let pipeline = PassPipeline(
      "lower",
      [
        FixMode(isTraining: isTraining), EliminateDeadCode(), DecomposeComposites(unlessCall: LoweringRule.accepts),
        FoldConstants(), EliminateCommonSubexpressions(), EliminateDeadCode(),
      ])
    let prepared = try pipeline.run(function)
    try checkSupport(prepared)
    return prepared
  }

  private static func checkSupport(_ function: Function) throws {
    var missing: [String: (count: Int, first: SourceLocation?)] = [:]
    func visit(_ block: Block) {
      for operation in block.operations {
        operation.regions.forEach(visit)
        if LoweringRule.named[operation.name] != nil { continue }
        let known = missing[operation.name]
        missing[operation.name] = ((known?.count ?? 0) + 1, known?.first ?? operation.origin.location)
      }
    }
    visit(function.body)
    guard !missing.isEmpty else { return }
    throw Diagnostic(
      .unsupported, "\(function.name) needs \(missing.count) ops that have no native kernel yet",
      remedy: "Run the emitted source in its own framework.",
      notes: missing.sorted { $0.key < $1.key }.map { name, use in
        let place = use.first.map { " (first at \($0))" } ?? ""
        return "\(name), used \(use.count == 1 ? "once" : "\(use.count) times")\(place)"
      })
  }

  /// The plan of a prepared function whose sizes are known.
  static func plan(
    _ function: Function, kernels: NativeKernelSet, pool: ThreadPool, isTraining: Bool = false,
    variables: VariableStore? = nil, checksFirstResult: Bool = false, weights: (Argument) throws -> TensorData?
  ) throws -> Plan {
    let planner = Planner(function, kernels: kernels, isTraining: isTraining)
    let inputs = try bindArguments(planner, variables, weights)
    let results = variables == nil ? [] : Set(function.body.results.compactMap(\.asValue))
    var updates = PendingUpdates(
      function, of: variables == nil ? [] : planner.variables, afterResult: checksFirstResult)
    for (index, operation) in function.body.operations.enumerated() {
      try lower(operation, planner)
      // Before variables change, so that a run can end between.
      for value in operation.results where results.contains(value) { _ = try planner.view(planner.expression(value)) }
      for update in updates.due(after: index) { try lay(update, planner) }
    }
    planner.origin = .unknown
    let outputs = try function.body.results.enumerated().map { index, operand in
      try output(index, operand, planner)
    }
    let checked =
      !checksFirstResult
      ? nil
      : try function.body.results.first?.asValue.map { value in
        try planner.view(planner.expression(value))
      }
    for update in updates.left { try lay(update, planner) }
    try planner.settleUpdates()
    if let fault = planner.fault { throw fault }
    return try Plan(planner, inputs: inputs, outputs: outputs, checking: checked, pool: pool)
  }

  /// Lays down what becomes of a variable.
  private static func lay(_ update: PendingUpdates.Update, _ planner: Planner) throws {
    guard case .view(let variable) = try planner.expression(update.variable).node else { return }
    try planner.update(variable, to: update.value)
  }

  private static func bindArguments(
    _ planner: Planner, _ variables: VariableStore?, _ weights: (Argument) throws -> TensorData?
  ) throws -> [Plan.Port] {
    let function = planner.function
    let leaves = function.inputLeaves.sorted { $0.key < $1.key }
    var inputs: [Plan.Port] = []
    for (index, leaf) in leaves.enumerated() {
      let type = function.type(of: leaf.value)
      let shape = try type.knownShape()
      let buffer = planner.addBuffer(
        .input(index), byteCount: try TensorData.byteCount(dtype: type.dtype, shape: shape))
      let view = View(buffer: buffer, dtype: type.dtype, rowMajor: shape)
      try planner.define(leaf.value, Expression(view))
      inputs.append(Plan.Port(dtype: type.dtype, shape: shape, view: view))
    }
    let used = Set(function.body.operations.flatMap(\.usedValues) + function.escapingValues)
    for argument in function.arguments where used.contains(argument.value) {
      switch argument.role {
      case .input: continue
      case .key:
        let key = View(buffer: planner.addBuffer(.input(inputs.count), byteCount: 8), dtype: .int64, rowMajor: [])
        try planner.define(argument.value, Expression(key))
        inputs.append(Plan.Port(dtype: .int64, shape: [], view: key))
      case .parameter, .state, .constant:
        if argument.isVariable(in: variables), let path = argument.path, let variables {
          try planner.define(argument.value, Expression(try variable(path, argument, variables, planner)))
          continue
        }
        guard let tensor = try weights(argument) else {
          throw Diagnostic(.invalidPackage, "the package lacks `\(argument.path ?? "")`")
        }
        try planner.define(argument.value, Expression(planner.constant(try tensor.aligned())))
      }
    }
    return inputs
  }

  /// A variable where it lies.
  private static func variable(
    _ path: String, _ argument: Argument, _ variables: VariableStore, _ planner: Planner
  ) throws -> View {
    let type = planner.function.type(of: argument.value)
    guard variables.type(path) == type else {
      throw Diagnostic(.invalidProgram, "`\(path)` is used as \(type), and is another type")
    }
    let shape = try type.knownShape()
    let byteCount = try TensorData.byteCount(dtype: type.dtype, shape: shape)
    planner.variables.append(path)
    let buffer = planner.addBuffer(.variable(planner.variables.count - 1), byteCount: byteCount)
    return View(buffer: buffer, dtype: type.dtype, rowMajor: shape)
  }

  /// Lays down the steps of an operation, and defines its results.
  static func lower(_ operation: Operation, _ planner: Planner) throws {
    planner.origin = operation.origin
    guard let rule = LoweringRule.named[operation.name] else {
      throw Diagnostic(.unsupported, "there is no native kernel for `\(operation.name)`", at: operation.origin.location)
    }
    let definition = try OpCatalogue.definition(of: operation)
    let call = OpCall(operation, of: definition, in: planner.function)
    // Rules may rely on sizes that a tensor can have.
    for (index, value) in operation.results.enumerated() where planner.function.type(of: value).dtype != .key {
      _ = try call.resultType(planner, index)
    }
    let results = try rule.lower(planner, call)
    for (value, expression) in zip(operation.results, results) { try planner.define(value, expression) }
  }

  /// A result in memory of the caller: computed there, or copied.
  private static func output(_ index: Int, _ operand: Operand, _ planner: Planner) throws -> Plan.Port {
    let dtype = operand.asScalar?.defaultType ?? .float32
    let expression = try planner.expression(operand, as: dtype)
    let bytes = try TensorData.byteCount(dtype: expression.dtype, shape: expression.shape)
    let buffer = planner.addBuffer(.output(index), byteCount: bytes)
    let view = View(buffer: buffer, dtype: expression.dtype, rowMajor: expression.shape)
    try planner.compute(expression, into: view)
    return Plan.Port(dtype: expression.dtype, shape: expression.shape, view: view)
  }
}

extension TensorType {
  /// The shape when no size is open or negative.
  func knownShape() throws -> [Int] {
    try shape.map { dim in
      guard let extent = dim.knownValue else { throw Diagnostic(.invalidProgram, "the size \(dim) is not known") }
      guard extent >= 0 else { throw Diagnostic(.invalidProgram, "\(self) has a negative size") }
      return extent
    }
  }
}

extension Scalar {
  /// The element type of a number that stands alone, as PyTorch gives it.
  var defaultType: DType {
    switch self {
    case .bool: .bool
    case .int: .int64
    case .float: .float32
    case .complex: .complex64
    }
  }
}

extension Argument {
  /// Whether it is a parameter or state that is kept in a store.
  fileprivate func isVariable(in variables: VariableStore?) -> Bool {
    switch role {
    case .parameter(let path, _, _), .state(let path, _): variables?.contains(path) ?? false
    case .constant, .input, .key: false
    }
  }
}
