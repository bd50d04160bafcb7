import Foundation
import GraftEmit
import GraftFiles
import GraftIR
import GraftJAX
import GraftOps
import GraftPython
import OrderedCollections

/// Runs source and target on the same inputs, weights and random draws, and compares all that they compute.
struct Verifier: Sendable {
  /// A file of the target under test.
  struct Target: Sendable {
    enum Kind: Sendable {
      /// The program, with the modules whose parameters the file keeps stacked.
      case program([ParameterStack])
      /// Its gradient.
      case gradient(GradientProgram)
    }

    var module: String
    var weights: String
    /// What the file's function is called.
    var name: String
    /// The function that the file was written from.
    var function: GraftIR.Function
    var kind: Kind
    /// What to do about a file that fails.
    var remedy = "This is a defect of Graft; please report it with the program that was converted."

    func withRemedy(_ remedy: String) -> Target {
      var target = self
      target.remedy = remedy
      return target
    }

    /// Whether there is something to compare in a mode.
    func runs(in mode: String) -> Bool {
      if case .gradient(let gradient) = kind { gradient.mode == mode } else { true }
    }

    /// The file raised an exception: what, and on which of its lines.
    func failure(_ error: PythonError) -> Diagnostic {
      let frames = error.traceback.split(separator: "\n").filter { $0.contains("File \"\(module)\", line ") }
      let line = frames.last?.split(separator: ", line ").last.flatMap { Int($0.prefix { $0.isNumber }) }
      return Diagnostic(
        .verificationFailed, "the converted program fails: \(error.type): \(error.message)",
        at: line.map { SourceLocation(file: module, line: $0) }, remedy: remedy)
    }
  }

  let host: PythonHost
  let trace: TraceReply
  let function: GraftIR.Function
  let options: TranspileOptions
  /// Weights for the source, when the target's are not those that it is built with.
  var weights: [String: TensorData] = [:]
  var tolerance = Tolerance.standard

  /// Two sizes for each dynamic dimension, each in both modes where they differ, else with two seeds.
  ///
  /// - Throws: ``Diagnostic`` when source or target cannot be run; differences are in the report.
  func verify(_ targets: [Target], progress: ProgressHandler?) async throws -> VerificationReport {
    let modes = function.dependsOnMode ? ["eval", "train"] : ["eval"]
    var runs: [VerificationReport.Run] = []
    for (choice, sizes) in sizes.enumerated() {
      for (index, mode) in modes.enumerated() {
        let number = choice * modes.count + index
        progress?("verifying", Double(number) / Double(modes.count * 2))
        var source = try await execution(mode: mode, sizes: sizes, seed: 1 + number, isFirst: choice == 0)
        for target in targets where target.runs(in: mode) { runs.append(try await run(target, &source)) }
      }
    }
    return VerificationReport(passed: runs.allSatisfy(\.passed), runs: runs)
  }

  /// The native execution in inference: outputs, at two sizes of each dynamic dimension.
  ///
  /// - Throws: ``Diagnostic`` for a program that does not run natively yet, or when the source cannot be run.
  func verifyNatively(progress: ProgressHandler?) async throws -> VerificationReport {
    let native = try NativeComparison(function, tolerance: tolerance) { [trace, weights] argument in
      try argument.path.map { try weights[$0] ?? trace.tensor($0) }
    }
    var runs: [VerificationReport.Run] = []
    for (choice, sizes) in self.sizes.enumerated() {
      progress?("verifying natively", Double(choice) / 2)
      let inputs = try InputSampler(function: function, trace: trace).inputs(
        sizes: sizes, seed: 1 + choice, isFirst: choice == 0)
      let run = try await nativeRun(native, inputs, sizes: sizes, seed: 1 + choice)
      runs.append(run)
    }
    return VerificationReport(passed: runs.allSatisfy(\.passed), runs: runs)
  }

  private func nativeRun(
    _ native: NativeComparison, _ inputs: [TensorData], sizes: [String: Int], seed: Int
  ) async throws -> VerificationReport.Run {
    var tensors: [String: TensorData] = [:]
    for (index, input) in inputs.enumerated() { tensors["input.\(index)"] = input }
    let descriptions = inputs.map(TensorDescription.init)
    func source(_ dtype: String?, _ perturbation: Int? = nil) async throws -> RunReply {
      try await runSource(
        descriptions, tensors, mode: "eval", dtype: dtype, seed: seed, perturbation: perturbation, gradients: false)
    }
    let reference = try await source("float64")
    var sources = [try await source(nil)]
    let outputs = try native.run(inputs)
    var rows = try native.rows(outputs, reference: reference, sources: sources)
    if !rows.allSatisfy(\.passed) {
      for perturbation in 1...Self.perturbations { sources.append(try await source(nil, perturbation)) }
      rows = try native.rows(outputs, reference: reference, sources: sources)
    }
    return VerificationReport.Run(
      mode: "eval", sizes: sizes, seed: seed, passed: rows.allSatisfy(\.passed), tensors: rows, modules: [])
  }

  /// The source, run on inputs of some sizes in one mode.
  private struct Execution {
    let mode: String
    let sizes: [String: Int]
    let seed: Int
    /// Whether the sizes are the first.
    let isFirst: Bool
    let inputs: [TensorDescription]
    let tensors: [String: TensorData]
    let reference: RunReply
    /// In its own precision, on the same data and on data that differ in the last place.
    var sources: [RunReply]
  }

  private func execution(mode: String, sizes: [String: Int], seed: Int, isFirst: Bool) async throws -> Execution {
    let inputs = try InputSampler(function: function, trace: trace).inputs(
      sizes: sizes, seed: seed, isFirst: isFirst)
    var tensors: [String: TensorData] = [:]
    for (index, input) in inputs.enumerated() { tensors["input.\(index)"] = input }
    for (index, cotangent) in try cotangents(sizes: sizes, seed: seed) { tensors["cotangent.\(index)"] = cotangent }
    let descriptions = inputs.map(TensorDescription.init)
    return Execution(
      mode: mode, sizes: sizes, seed: seed, isFirst: isFirst, inputs: descriptions, tensors: tensors,
      reference: try await runSource(descriptions, tensors, mode: mode, dtype: "float64", seed: seed),
      sources: [try await runSource(descriptions, tensors, mode: mode, dtype: nil, seed: seed)])
  }

  private func run(_ target: Target, _ source: inout Execution) async throws -> VerificationReport.Run {
    let result = try await reply(of: target, source, wide: false)
    let first = try compared(result, of: target, source, tolerance)
    if first.passed { return first }
    if source.sources.count == 1 {
      for perturbation in 1...Self.perturbations {
        source.sources.append(
          try await runSource(
            source.inputs, source.tensors, mode: source.mode, dtype: nil, seed: source.seed, perturbation: perturbation
          ))
      }
    }
    var second = try compared(result, of: target, source, tolerance)
    guard second.passed, second.rows.contains(where: { $0.sourceError > Tolerance.roughError }) else { return second }
    let wide = try await compared(reply(of: target, source, wide: true), of: target, source, tolerance.wide)
    guard wide.passed else { return wide }
    second.wideError = wide.rows.map(\.error).max()
    return second
  }

  private func reply(of target: Target, _ source: Execution, wide: Bool) async throws -> RunReply {
    var request = TargetRunRequest(
      target, mode: source.mode, wide: wide, seed: source.seed, inputs: source.inputs, tensors: source.tensors)
    if case .program = target.kind {
      request.watch = function.singleOperationModules
      request.trainable = function.trainablePaths
      request.vmap = options.verifiesVectorisation && source.mode == "eval" && source.isFirst && !wide
    }
    return try RunReply(
      await host.call("graft_jax_runner", "run", request, tensors: source.tensors, explain: target.failure))
  }

  private func compared(
    _ result: RunReply, of target: Target, _ source: Execution, _ tolerance: Tolerance
  ) throws -> VerificationReport.Run {
    var run = try Comparison(
      function: function, tolerance: tolerance, reference: source.reference, sources: source.sources, target: result,
      locations: SourceLocations(function)
    ).run(mode: source.mode, sizes: source.sizes, seed: source.seed)
    if case .gradient = target.kind { run.function = target.name }
    return run
  }

  /// Two sizes for each dynamic dimension.
  private var sizes: [[String: Int]] {
    (0..<2).map { choice in
      Dictionary(
        function.symbols.map { ($0.name, $0.sizes.indices.contains(choice) ? $0.sizes[choice] : $0.sizes.first ?? 2) },
        uniquingKeysWith: { a, _ in a })
    }
  }

  /// How often the source is run on data that differ in the last place, where its own error alone rejects the target.
  private static let perturbations = 4

  private func runSource(
    _ inputs: [TensorDescription], _ tensors: [String: TensorData], mode: String, dtype: String?, seed: Int,
    perturbation: Int? = nil, gradients: Bool = true
  ) async throws -> RunReply {
    var tensors = tensors
    for (path, tensor) in weights { tensors["parameter.\(path)"] = tensor }
    let request = SourceRunRequest(
      entry: options.entry, init: options.initArguments, name: options.name,
      parameters: weights.mapValues(TensorDescription.init), mode: mode, dtype: dtype, perturbation: perturbation,
      draws: seed, inputs: inputs, gradients: gradients, watch: gradients)
    return try RunReply(await host.call("graft_torch_source", "run", request, tensors: tensors))
  }

  /// Random cotangents in float64 for the outputs that have a gradient.
  private func cotangents(sizes: [String: Int], seed: Int) throws -> [(Int, TensorData)] {
    try function.differentiableResults.compactMap { index, value in
      let type = function.type(of: value)
      let shape = type.shape.compactMap { $0.evaluate(sizes) }
      guard shape.count == type.rank else { return nil }
      var random = CounterRandom(seed: UInt64(seed)).split(UInt64(1000 + index))
      let dtype: DType = type.dtype.isComplex ? .complex128 : .float64
      return (index, try TensorData(random: .normal(), dtype: dtype, shape: shape, using: &random))
    }
  }
}

extension GraftIR.Function {
  /// Whether training and inference differ.
  package var dependsOnMode: Bool {
    func depends(_ block: Block) -> Bool {
      block.operations.contains { operation in
        OpCatalogue.definition(operation.name)?.dependsOnMode(operation) == true
          || operation.regions.contains(where: depends)
      }
    }
    return depends(body)
  }

  /// Whether some value needs 64-bit floating point.
  var needs64Bits: Bool { values.contains { [.float64, .complex128].contains($0.type.dtype) } }

  /// The paths of the parameters that gradients are wanted for.
  var trainablePaths: [String] {
    arguments.compactMap { argument in
      if case .parameter(let path, true, _) = argument.role { path } else { nil }
    }
  }

  /// The modules that are called once and consist of a single operation, so that whatever an emitted file calls with
  /// their parameters computes their output.
  var singleOperationModules: [String] {
    var operations: OrderedDictionary<String, Int> = [:]
    var repeated: Set<String> = []
    for operation in body.operations {
      for module in operation.origin.modules where !module.path.isEmpty {
        operations[module.path, default: 0] += operation.regions.isEmpty ? 1 : 2
        if module.call > 0 { repeated.insert(module.path) }
      }
    }
    return operations.filter { $0.value == 1 && !repeated.contains($0.key) }.keys.elements
  }
}
