/// How far a converted program is from its source: the evidence that `graft transpile` and `graft verify` gather.
///
/// The reference is the source run in float64. Every error is the largest absolute difference from it over the whole
/// tensor, divided by the reference's largest magnitude; `sourceError` is that of the source itself in its own
/// precision, and `tolerance` what the target was allowed.
public struct VerificationReport: Codable, Sendable, Equatable {
  public var passed: Bool
  public var runs: [Run]

  /// One execution of source and target on the same inputs.
  public struct Run: Codable, Sendable, Equatable {
    /// The emitted function that ran, if it is not the program but its gradient.
    public var function: String?
    /// `eval` or `train`.
    public var mode: String
    /// The value of each dynamic dimension.
    public var sizes: [String: Int]
    public var seed: Int
    public var passed: Bool
    /// Outputs, gradients of inputs, and state.
    public var tensors: [Row]
    /// The modules' own outputs and parameter gradients, in the order in which they run.
    public var modules: [ModuleRow]
    /// What the source itself does not define, and why: gradients that PyTorch refuses to compute.
    public var notCompared: [String]?
    /// The largest error of the target run in float64, for an ill-conditioned program: one that the source itself
    /// computes to fewer than three digits.
    public var wideError: Double?

    /// All that was compared.
    public var rows: [Row] { tensors + modules.flatMap { [$0.output, $0.gradient, $0.state].compactMap { $0 } } }
  }

  /// One compared tensor.
  public struct Row: Codable, Sendable, Equatable {
    public var name: String
    public var kind: Kind
    public var error: Double
    public var sourceError: Double
    public var tolerance: Double
    public var passed: Bool
    /// What differs other than in magnitude: shapes, NaN in other places.
    public var problem: String?
    /// `file:line` in the source of the last operation of the module, or of the one that yields the output.
    public var location: String?

    /// A row for what cannot be compared by magnitude.
    static func failed(_ name: String, _ kind: Kind, _ problem: String) -> Row {
      Row(
        name: name, kind: kind, error: .greatestFiniteMagnitude, sourceError: 0, tolerance: 0, passed: false,
        problem: problem)
    }
  }

  public enum Kind: String, Codable, Sendable {
    case output
    /// An output of the function mapped over a stack of inputs; compared with a loop over them.
    case vectorisedOutput = "mapped output"
    /// An output of the native execution.
    case nativeOutput = "native output"
    case inputGradient = "input gradient"
    case parameterGradient = "parameter gradient"
    case state
    case module
  }

  /// What was compared of one module: its output where it has a name in the emitted file, its worst parameter gradient,
  /// its worst state.
  public struct ModuleRow: Codable, Sendable, Equatable {
    public var path: String
    public var className: String
    public var output: Row?
    public var gradient: Row?
    public var state: Row?

    public var passed: Bool { [output, gradient, state].allSatisfy { $0?.passed ?? true } }
  }

  /// The first module, and otherwise the first tensor, that differs.
  public var firstFailure: (run: Run, name: String, row: Row)? {
    for run in runs where !run.passed {
      for module in run.modules {
        if let row = module.output, !row.passed { return (run, module.path, row) }
      }
      if let row = run.tensors.first(where: { !$0.passed }) { return (run, row.name, row) }
      for module in run.modules {
        if let row = [module.gradient, module.state].compactMap({ $0 }).first(where: { !$0.passed }) {
          return (run, module.path, row)
        }
      }
    }
    return nil
  }

  /// The largest error of a kind over all runs.
  public func worst(_ kind: Kind) -> Row? {
    runs.flatMap(\.rows).filter { $0.kind == kind }.max { $0.error < $1.error }
  }
}
