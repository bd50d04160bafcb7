import Foundation
import GraftFiles
import GraftIR
import GraftNative

/// Compares the native execution of a program with the source's.
struct NativeComparison: Sendable {
  private let program: NativeProgram
  private let leaves: [Int]
  private let tolerance: Tolerance

  /// - Throws: ``Diagnostic`` with the code `unsupported` for a program that cannot be compared, as its random numbers
  ///   are its own.
  init(
    _ function: GraftIR.Function, tolerance: Tolerance, weights: @escaping @Sendable (Argument) throws -> TensorData?
  ) throws {
    let path = try KernelPath.choose(environment: ProcessInfo.processInfo.environment)
    program = try NativeProgram(function, kernels: NativeKernelSet(path), weights: weights)
    guard !program.drawsRandomNumbers else {
      throw Diagnostic(.unsupported, "\(function.name) draws random numbers in inference, which are not the source's")
    }
    leaves = function.inputLeaves.keys.sorted()
    self.tolerance = tolerance
  }

  /// - Parameter inputs: by leaf of the function's inputs.
  func run(_ inputs: [TensorData]) throws -> [TensorData] {
    try program.run(leaves.compactMap { inputs[safe: $0] })
  }

  /// A row for each output.
  ///
  /// - Parameters:
  ///   - reference: the source's results in float64.
  ///   - sources: those in its own precision.
  func rows(
    _ outputs: [TensorData], reference: RunReply, sources: [RunReply]
  ) throws -> [VerificationReport.Row] {
    try outputs.indices.map { index in
      try tolerance.row(
        outputs.count == 1 ? "output, native" : "output \(index), native", .nativeOutput, target: outputs[index],
        sources: sources.map { $0.outputs[index] }, reference: reference.outputs[index])
    }
  }
}
