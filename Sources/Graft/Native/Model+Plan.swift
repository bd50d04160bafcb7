import GraftFiles
import GraftIR
import GraftNative

extension Model {
  /// What one call does: its kernels in order, and the memory that it needs.
  public struct PlanSummary: Sendable, Codable {
    public var kernels: [Kernel]
    /// Bytes that the kernels' results take while a call runs, laid over each other where they are not needed at once.
    public var arenaBytes: Int
    /// Bytes of weights that were rearranged or folded when the plan was made.
    public var preparedBytes: Int
    /// Floating-point operations of a call.
    public var flops: Int

    /// One kernel call.
    public struct Kernel: Sendable, Codable {
      public var name: String
      /// The buffers that it reads, and writes: number, type and shape.
      public var reads: [String]
      public var writes: [String]
      public var flops: Int
      /// Bytes that it reads and writes.
      public var bytes: Int
      /// How many pieces its work is cut into.
      public var tasks: Int
      /// The path of the module that it stands for; empty for the model itself.
      public var module: String
      /// Seconds that it took, where it was measured.
      public var seconds: Double?
    }
  }

  /// The plan for inputs of the given shapes, in the order of ``inputs``.
  ///
  /// - Throws: ``Problem`` for shapes that the model does not take.
  public func plan(for shapes: [[Int]]) throws -> PlanSummary {
    try Problem.wrap { PlanSummary(try program.plan(for: shapes)) }
  }

  /// The plan of a call with the time that each kernel took, the median of several calls.
  ///
  /// - Throws: as calling the model does.
  public func profile(_ inputs: [String: Tensor], repetitions: Int = 11) throws -> PlanSummary {
    let tensors = try ordered(inputs)
    return try Problem.wrap { try PlanSummary(timing: program, tensors.map(\.data), repetitions: repetitions) }
  }
}

extension Model.PlanSummary {
  init(_ plan: Plan) {
    kernels = zip(plan.steps, plan.origins).map { step, origin in
      Kernel(
        name: step.name, reads: step.reads.map(\.description), writes: step.writes.map(\.description),
        flops: step.flops, bytes: (step.reads + step.writes).reduce(0) { $0 + $1.count * $1.dtype.byteWidth },
        tasks: step.taskCount, module: origin.modules.last?.path ?? "")
    }
    arenaBytes = plan.arenaBytes
    preparedBytes = plan.preparedBytes
    flops = plan.flops
  }

  /// The plan of a program for given inputs, with the median of the times that each kernel took.
  init(timing program: NativeProgram, _ inputs: [TensorData], seed: UInt64 = 0, repetitions: Int) throws {
    self.init(try program.plan(for: inputs.map(\.shape)))
    let times = try program.profile(inputs, seed: seed, repetitions: max(1, repetitions))
    for (index, seconds) in times.enumerated() { kernels[index].seconds = seconds }
  }
}
