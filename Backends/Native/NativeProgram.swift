package import GraftFiles
package import GraftIR
package import GraftOps
import GraftTransform
import Synchronization

/// A model that runs on this processor: a function with its weights, and the plans of the sizes that it was called
/// with.
///
/// May be called from any number of threads at once.
package final class NativeProgram: Sendable {
  /// The function in one mode, with the ops that there are kernels for.
  package let function: Function
  private let weights: @Sendable (Argument) throws -> TensorData?
  private let kernels: NativeKernelSet
  private let pool: ThreadPool
  private let isTraining: Bool
  private let variables: VariableStore?
  private let checksFirstResult: Bool
  private let plans = Mutex<[Sizes: PlanEntry]>([:])
  private let outputs = OutputMemory()

  /// The sizes of all inputs.
  private typealias Sizes = [[Int]]

  /// A plan with the workspaces that no run is using.
  private final class PlanEntry: Sendable {
    let plan: Plan
    private let variables: VariableStore?
    private let idle = Mutex<[WorkspaceBox]>([])

    init(_ plan: Plan, _ variables: VariableStore?) {
      self.plan = plan
      self.variables = variables
    }

    func borrow(threads: Int) -> WorkspaceBox {
      idle.withLock { $0.popLast() } ?? WorkspaceBox(workspace: Workspace(plan, threads: threads, variables: variables))
    }

    func giveBack(_ box: WorkspaceBox) { idle.withLock { $0.append(box) } }
  }

  /// A workspace, which one run at a time holds.
  private struct WorkspaceBox: @unchecked Sendable { let workspace: Workspace }

  /// - Parameters:
  ///   - function: a verified function.
  ///   - isTraining: whether it drops, draws and takes statistics as in training.
  ///   - variables: parameters, state and constants that may change between runs. The function's updates of these are
  ///     written there by each run. Other updates have no effect.
  ///   - checksFirstResult: whether a run ends before variables change if the first result is not finite.
  ///   - weights: the tensor of a parameter, buffer or constant.
  /// - Throws: ``Diagnostic`` with the code `unsupported` that lists every op without a kernel.
  package init(
    _ function: Function, kernels: NativeKernelSet, pool: ThreadPool = .machine, isTraining: Bool = false,
    variables: VariableStore? = nil, checksFirstResult: Bool = false,
    weights: @escaping @Sendable (Argument) throws -> TensorData?
  ) throws {
    self.function = try NativeLowering.prepare(function, isTraining: isTraining)
    self.weights = weights
    self.kernels = kernels
    self.pool = pool
    self.isTraining = isTraining
    self.variables = variables
    self.checksFirstResult = checksFirstResult
  }

  /// The program of another one with other weights of the same types.
  package init(_ other: NativeProgram, weights: @escaping @Sendable (Argument) throws -> TensorData?) {
    function = other.function
    self.weights = weights
    kernels = other.kernels
    pool = other.pool
    isTraining = other.isTraining
    variables = other.variables
    checksFirstResult = other.checksFirstResult
  }

  /// Whether an op is computed as a whole, without being decomposed.
  package static func hasKernel(for definition: OpDefinition) -> Bool { LoweringRule.named[definition.name] != nil }

  /// Whether the results depend on the seed.
  package var drawsRandomNumbers: Bool {
    func draws(_ block: Block) -> Bool {
      block.operations.contains { operation in
        OpCatalogue.definition(operation.name)?.drawsRandomNumbers ?? false || operation.regions.contains(where: draws)
      }
    }
    return draws(function.body)
  }

  /// The outputs for `inputs`, in the order of the function's input leaves.
  ///
  /// - Parameter seed: what random numbers are made of; the same seed gives the same numbers on every machine.
  /// - Throws: ``Diagnostic`` for inputs that do not fit; ``NativeError`` for data that a kernel cannot take;
  ///   ``NonFiniteResult`` when the first result is checked and is not finite.
  package func run(_ inputs: [TensorData], seed: UInt64 = 0) throws -> [TensorData] {
    let entry = try entry(for: inputs.map(\.shape), inputs.map(\.dtype))
    return try pool.call {
      let box = entry.borrow(threads: pool.width)
      defer { entry.giveBack(box) }
      return try run(entry.plan, box.workspace, inputs, seed: seed)
    }
  }

  /// The plan for inputs of these shapes; made at the first call.
  package func plan(for shapes: [[Int]]) throws -> Plan { try entry(for: shapes, nil).plan }

  /// The seconds that each step of a call takes: the median of some calls.
  package func profile(_ inputs: [TensorData], seed: UInt64 = 0, repetitions: Int) throws -> [Double] {
    let entry = try entry(for: inputs.map(\.shape), inputs.map(\.dtype))
    let box = entry.borrow(threads: pool.width)
    defer { entry.giveBack(box) }
    var times = Array(repeating: [Double](), count: entry.plan.steps.count)
    let clock = ContinuousClock()
    for _ in 0..<repetitions {
      var last = clock.now
      _ = try run(entry.plan, box.workspace, inputs, seed: seed) { step in
        let now = clock.now
        times[step].append((now - last) / .seconds(1))
        last = now
      }
    }
    return times.map { $0.sorted()[$0.count / 2] }
  }

  private func run(
    _ plan: Plan, _ workspace: Workspace, _ inputs: [TensorData], seed: UInt64 = 0,
    observing observer: ((Int) -> Void)? = nil
  ) throws -> [TensorData] {
    var aligned = try inputs.map { try $0.aligned() }
    if plan.inputs.count > inputs.count {
      aligned.append(try TensorData(shape: [], elements: [Int64(bitPattern: seed)]))
    }
    let memory = outputs.take(plan.outputs.map { $0.view.count * $0.dtype.byteWidth })
    try withExtendedLifetime(aligned) {
      try workspace.run(
        inputs: aligned.map { UnsafeRawPointer($0.startOfBytes) }, outputs: memory.map(\.start), on: pool,
        observing: observer)
    }
    return try zip(plan.outputs, memory).map { port, memory in
      let bytes = UnsafeRawBufferPointer(start: memory.start, count: port.view.count * port.dtype.byteWidth)
      return try TensorData(dtype: port.dtype, shape: port.shape, foreign: bytes) { [outputs] in
        outputs.giveBack(memory)
      }
    }
  }

  private func entry(for shapes: [[Int]], _ dtypes: [DType]?) throws -> PlanEntry {
    if let known = plans.withLock({ $0[shapes] }),
      dtypes.map({ known.plan.inputs.prefix($0.count).map(\.dtype) == $0 }) ?? true
    {
      return known
    }
    let sizes = try InputSizes(function).bind(shapes, dtypes)
    let fixed = try FixSizes(sizes).run(function)
    // What is right for some sizes may be wrong for these, as a range that ends before it starts.
    try OpCatalogue.verify(fixed)
    let plan = try NativeLowering.plan(
      fixed, kernels: kernels, pool: pool, isTraining: isTraining, variables: variables,
      checksFirstResult: checksFirstResult, weights: weights)
    return plans.withLock { plans in
      let entry = plans[shapes] ?? PlanEntry(plan, variables)
      plans[shapes] = entry
      return entry
    }
  }
}
