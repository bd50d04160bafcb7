import GraftEmit
import GraftFiles
import GraftIR

/// Compares one execution of the target with the source's, tensor by tensor and module by module.
struct Comparison {
  let function: GraftIR.Function
  let tolerance: Tolerance
  let reference: RunReply
  /// The source in its own precision: on the same data, and on data that differ in the last place.
  let sources: [RunReply]
  let target: RunReply
  let locations: SourceLocations
  /// The largest magnitudes of a gradient and of a state in the run.
  private let gradientScale, stateScale: Double

  init(
    function: GraftIR.Function, tolerance: Tolerance, reference: RunReply, sources: [RunReply], target: RunReply,
    locations: SourceLocations
  ) throws {
    self.function = function
    self.tolerance = tolerance
    self.reference = reference
    self.sources = sources
    self.target = target
    self.locations = locations
    let gradients = reference.inputGradients + reference.parameterGradients.values
    gradientScale = try Self.scale(gradients.compactMap { $0 })
    stateScale = try Self.scale(reference.state.values.filter(\.dtype.isFloating))
  }

  private static func scale(_ tensors: [TensorData]) throws -> Double {
    try tensors.reduce(0) { try max($0, ElementComparison($1, reference: $1).scale) }
  }

  func run(mode: String, sizes: [String: Int], seed: Int) throws -> VerificationReport.Run {
    var rows = try outputs()
    rows += try vectorisedOutputs(rows)
    rows += try inputGradients()
    rows += try state(ofModules: false).map(\.row)
    let modules = try moduleRows()
    let passed = rows.allSatisfy(\.passed) && modules.allSatisfy(\.passed)
    return VerificationReport.Run(
      mode: mode, sizes: sizes, seed: seed, passed: passed, tensors: rows, modules: modules, notCompared: notCompared)
  }

  /// The gradients that the source does not define.
  private var notCompared: [String]? {
    if let problem = reference.gradientProblem { return ["gradients: \(problem)"] }
    guard !reference.undifferentiableInputs.isEmpty else { return nil }
    return reference.undifferentiableInputs.map { index in
      "the gradient of \(function.inputNames[safe: index] ?? "input \(index)"): the source cannot be differentiated by it"
    }
  }

  private func outputs() throws -> [VerificationReport.Row] {
    guard target.outputs.count == reference.outputs.count else {
      throw Diagnostic(
        .verificationFailed,
        "the emitted function returns \(target.outputs.count) tensors, not \(reference.outputs.count)")
    }
    return try target.outputs.indices.map { index in
      var row = try tolerance.row(
        target.outputs.count == 1 ? "output" : "output \(index)", .output, target: target.outputs[index],
        sources: sources.map { $0.outputs[index] }, reference: reference.outputs[index])
      row.location = locations.outputs[safe: index] ?? nil
      return row
    }
  }

  /// A mapped call and a loop may each be as far from float64 as the call itself.
  private func vectorisedOutputs(_ outputs: [VerificationReport.Row]) throws -> [VerificationReport.Row] {
    try zip(target.vectorised, outputs).map { pair, output in
      var row = try tolerance.row(
        "\(output.name) under vmap", .vectorisedOutput, target: pair.mapped, sources: [pair.looped],
        reference: pair.looped
      )
      row.tolerance = max(row.tolerance, 2 * output.tolerance)
      row.passed = row.problem == nil && row.error <= row.tolerance
      return row
    }
  }

  private func inputGradients() throws -> [VerificationReport.Row] {
    let undefined = Set(reference.undifferentiableInputs)
    return try reference.inputGradients.indices.filter { !undefined.contains($0) }.compactMap { index in
      try gradientRow(
        function.inputNames[safe: index] ?? "input \(index)", .inputGradient,
        target.inputGradients[safe: index] ?? nil, sources.map { $0.inputGradients[safe: index] ?? nil },
        reference.inputGradients[safe: index] ?? nil)
    }
  }

  /// A gradient that one side does not have is zero there.
  private func gradientRow(
    _ name: String, _ kind: VerificationReport.Kind, _ target: TensorData?, _ sources: [TensorData?],
    _ reference: TensorData?
  ) throws -> VerificationReport.Row? {
    guard let like = target ?? sources.compactMap({ $0 }).first else { return nil }
    let zeros = try TensorData(dtype: like.dtype, shape: like.shape) { _ in }
    return try tolerance.row(
      name, kind, target: target ?? zeros, sources: sources.map { $0 ?? zeros }, reference: reference ?? zeros,
      noiseScale: gradientScale)
  }

  /// Rows of the buffers that changed, with the module that owns each.
  private func state(ofModules: Bool) throws -> [(path: String, row: VerificationReport.Row)] {
    let known = Set(function.statePaths)
    let paths = Set(reference.state.keys).intersection(known).union(target.changed)
    return try paths.sorted().filter { $0.contains(".") == ofModules }.map { path in
      let own = sources.compactMap { $0.state[path] }
      guard !own.isEmpty, let reference = reference.state[path] else {
        return (path, .failed(path, .state, "is updated, which the source does not do"))
      }
      guard let after = target.state[path] else { return (path, .failed(path, .state, "is not updated")) }
      let row = try tolerance.row(
        path, .state, target: after, sources: own, reference: reference, noiseScale: stateScale)
      return (path, row)
    }
  }

  // MARK: Modules

  private func moduleRows() throws -> [VerificationReport.ModuleRow] {
    var gradients: [String: VerificationReport.Row] = [:]
    let paths = reference.gradientProblem == nil ? Set(target.parameterGradients.keys) : []
    for path in paths.union(reference.parameterGradients.keys).sorted() {
      let row = try gradientRow(
        path, .parameterGradient, target.parameterGradients[path] ?? nil,
        sources.map { $0.parameterGradients[path] ?? nil }, reference.parameterGradients[path] ?? nil)
      if let row { keepWorst(row, at: owner(of: path), in: &gradients) }
    }
    var states: [String: VerificationReport.Row] = [:]
    for (path, row) in try state(ofModules: true) { keepWorst(row, at: owner(of: path), in: &states) }
    return try function.modulesInOrder.compactMap { module in
      var output: VerificationReport.Row?
      let own = sources.compactMap { $0.modules[module.path] }
      if !own.isEmpty, let value = target.modules[module.path], let reference = reference.modules[module.path],
        value.shape == reference.shape
      {
        output = try tolerance.row(module.path, .module, target: value, sources: own, reference: reference)
      }
      let (gradient, state) = (gradients[module.path], states[module.path])
      if output == nil, gradient == nil, state == nil { return nil }
      let location = locations.modules[module.path]
      return VerificationReport.ModuleRow(
        path: module.path, className: module.className, output: output?.at(location), gradient: gradient?.at(location),
        state: state?.at(location))
    }
  }

  private func owner(of path: String) -> String {
    path.split(separator: ".").dropLast().joined(separator: ".")
  }

  private func keepWorst(
    _ row: VerificationReport.Row, at path: String, in rows: inout [String: VerificationReport.Row]
  ) {
    guard let known = rows[path] else {
      rows[path] = row
      return
    }
    if known.passed && !row.passed || known.passed == row.passed && row.error > known.error { rows[path] = row }
  }
}

extension GraftIR.Function {
  /// The modules that operations come from, in the order in which they first run; the root first.
  var modulesInOrder: [ModuleCall] {
    var seen: Set<String> = [""]
    var modules = [ModuleCall(path: "", className: "")]
    func visit(_ block: Block) {
      for operation in block.operations {
        for module in operation.origin.modules where seen.insert(module.path).inserted { modules.append(module) }
        for region in operation.regions { visit(region) }
      }
    }
    visit(body)
    return modules
  }
}

extension Array {
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
