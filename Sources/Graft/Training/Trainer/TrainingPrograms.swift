import GraftFiles
import GraftIR
import GraftNative
import Synchronization

/// The programs of a training run, made when they are first needed, and the variables that they share.
final class TrainingPrograms: Sendable {
  enum Kind: Hashable {
    /// A batch after which parameters change.
    case step
    /// A batch whose gradients are added to those before.
    case accumulation
    case evaluation
  }

  private struct Key: Hashable {
    var kind: Kind
    var shapes: [[Int]]
    var targets: [Column]
  }

  let graph: TrainingGraph
  let store: VariableStore
  private let programs = Mutex<[Key: NativeProgram]>([:])

  /// - Throws: ``Problem`` when nothing is trained, or a weight cannot be read.
  init(_ graph: TrainingGraph) throws {
    self.graph = graph
    let model = graph.model
    let trained = TrainingGraph.trained(model)
    guard !trained.isEmpty else {
      throw Problem(
        Diagnostic(.invalidInput, "\(model.name) has no parameter that is trained", remedy: "Unfreeze some."))
    }
    let updated = Set(model.function.stateUpdates.map(\.path))
    let state = model.function.arguments.filter { argument in
      if case .state(let path, _) = argument.role { updated.contains(path) } else { false }
    }
    var tensors: [String: TensorData] = [:]
    for argument in trained + state {
      if let path = argument.path { tensors[path] = try model.weight(argument.role) }
    }
    let types = trained.compactMap { argument in
      argument.path.map { (path: $0, type: model.function.type(of: argument.value)) }
    }
    for variable in graph.optimizer.variables(for: types) {
      switch variable.start {
      case .value(let value): tensors[variable.name] = try Tensor(filling: value, variable.type).data
      case .parameter(let path): tensors[variable.name] = tensors[path]
      }
    }
    store = VariableStore(tensors)
  }

  /// The program for batches of some shapes.
  func program(_ kind: Kind, _ binding: DataBinding, samples: Int) throws -> NativeProgram {
    let key = Key(kind: kind, shapes: binding.shapes(samples: samples), targets: binding.targetColumns)
    if let known = programs.withLock({ $0[key] }) { return known }
    let program = try make(key)
    programs.withLock { $0[key] = program }
    return program
  }

  /// Where the first numbers come from that are missing, or the first infinite ones if none are; nil if all are finite.
  func firstFault(_ binding: DataBinding, _ arguments: [TensorData], samples: Int, seed: UInt64) throws -> Origin? {
    let (function, origins) = try graph.diagnosis(binding.shapes(samples: samples), binding.targetColumns)
    let model = graph.model
    let program = try NativeProgram(
      function, kernels: .ofThisProcess(), pool: model.pool, isTraining: true, variables: store
    ) {
      try model.weight($0.role)
    }
    let results = try program.run(arguments, seed: seed).map { $0.doubles() }
    let fault =
      results.firstIndex { $0.contains { $0.isNaN } } ?? results.firstIndex { $0.contains { $0.isInfinite } }
    return fault.map { origins[$0] }
  }

  private func make(_ key: Key) throws -> NativeProgram {
    var function =
      switch key.kind {
      case .step: try graph.step(key.shapes, key.targets, takesStep: true)
      case .accumulation: try graph.step(key.shapes, key.targets, takesStep: false)
      case .evaluation: try graph.evaluation(key.shapes, key.targets)
      }
    if key.kind == .evaluation { function.stateUpdates = [] }
    let model = graph.model
    return try NativeProgram(
      function, kernels: .ofThisProcess(), pool: model.pool, isTraining: key.kind != .evaluation, variables: store,
      checksFirstResult: key.kind != .evaluation
    ) { try model.weight($0.role) }
  }
}
