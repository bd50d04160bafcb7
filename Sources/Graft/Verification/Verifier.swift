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
  /// The files of the target under test.
  struct Target: Sendable {
    var module: String
    var weights: String
    var function: String
    /// What to do about a file that fails.
    var remedy = "This is a defect of Graft; please report it with the program that was converted."

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
  /// The modules whose parameters the target keeps stacked.
  let stacks: [ParameterStack]
  let options: TranspileOptions
  /// Weights for the source, when the target's are not those that it is built with.
  var weights: [String: TensorData] = [:]
  var tolerance = Tolerance.standard

  /// Two sizes for each dynamic dimension, each in both modes where they differ, else with two seeds.
  ///
  /// - Throws: ``Diagnostic`` when source or target cannot be run; differences are in the report.
  func verify(_ target: Target, progress: ProgressHandler?) async throws -> VerificationReport {
    let modes = function.dependsOnMode ? ["eval", "train"] : ["eval"]
    let watch = function.singleOperationModules
    var runs: [VerificationReport.Run] = []
    for (choice, sizes) in sizes.enumerated() {
      for mode in modes {
        progress?("verifying", Double(runs.count) / Double(modes.count * 2))
        let seed = 1 + runs.count
        runs.append(
          try await run(target, mode: mode, sizes: sizes, seed: seed, isFirst: choice == 0, watch: watch))
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

  private func run(
    _ target: Target, mode: String, sizes: [String: Int], seed: Int, isFirst: Bool, watch: [String]
  ) async throws -> VerificationReport.Run {
    let inputs = try InputSampler(function: function, trace: trace).inputs(
      sizes: sizes, seed: seed, isFirst: isFirst)
    var tensors: [String: TensorData] = [:]
    for (index, input) in inputs.enumerated() { tensors["input.\(index)"] = input }
    for (index, cotangent) in try cotangents(sizes: sizes, seed: seed) { tensors["cotangent.\(index)"] = cotangent }
    let descriptions = inputs.map(TensorDescription.init)
    let reference = try await runSource(descriptions, tensors, mode: mode, dtype: "float64", seed: seed)
    var sources = [try await runSource(descriptions, tensors, mode: mode, dtype: nil, seed: seed)]
    func runTarget(wide: Bool) async throws -> RunReply {
      let request = TargetRunRequest(
        module: target.module, weights: target.weights, function: target.function,
        stacks: stacks.map(StackDescription.init), mode: mode,
        x64: wide || function.needs64Bits, wide: wide, draws: seed, inputs: descriptions,
        structure: .tree(function.inputs), result: .tree(function.outputs),
        outputs: Array(function.body.results.indices), trainable: function.trainablePaths, gradients: true,
        vmap: options.verifiesVectorisation && mode == "eval" && isFirst && !wide, watch: watch)
      return try RunReply(
        await host.call("graft_jax_runner", "run", request, tensors: tensors, explain: target.failure))
    }
    func compared(_ result: RunReply, _ tolerance: Tolerance) throws -> VerificationReport.Run {
      try Comparison(
        function: function, tolerance: tolerance, reference: reference, sources: sources, target: result,
        locations: SourceLocations(function)
      ).run(mode: mode, sizes: sizes, seed: seed)
    }
    let result = try await runTarget(wide: false)
    let first = try compared(result, tolerance)
    if first.passed { return first }
    for perturbation in 1...Self.perturbations {
      sources.append(
        try await runSource(
          descriptions, tensors, mode: mode, dtype: nil, seed: seed, perturbation: perturbation))
    }
    var second = try compared(result, tolerance)
    guard second.passed, second.rows.contains(where: { $0.sourceError > Tolerance.roughError }) else { return second }
    let wide = try await compared(runTarget(wide: true), tolerance.wide)
    guard wide.passed else { return wide }
    second.wideError = wide.rows.map(\.error).max()
    return second
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
    try function.body.results.enumerated().compactMap { index, result in
      guard let value = result.asValue else { return nil }
      let type = function.type(of: value)
      guard type.dtype.isDifferentiable else { return nil }
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
