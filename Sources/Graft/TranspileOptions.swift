public import Foundation

/// What to convert, and into what.
public struct TranspileOptions: Sendable {
  /// `path/file.py:name` or `package.module:name`: a module class, an instance, a factory, or a function of tensors.
  public var entry: String
  /// Keyword arguments for a class or factory, as Python text: `num_classes=10`.
  public var initArguments: String?
  /// Input specifications, `x=f32[N,3,224,224]`; ignored when `inputFactory` is given.
  public var inputs: [String]
  /// `path/file.py:function`, which returns example inputs.
  public var inputFactory: String?
  /// Dynamic dimensions of named inputs: `input_ids=N,T`.
  public var dynamic: [String]
  /// The name of the emitted function and files; the entry's own name in snake case by default.
  public var name: String?
  public var mode: ConversionMode
  public var target: TargetFramework
  /// The folder that gets the files.
  public var output: URL
  public var verify: Bool
  /// What verification runs beside the source.
  package var verifiedExecution = VerifiedExecution.target
  /// Whether loops over equal layers are written as scans over their stacked parameters.
  public var scan = false
  /// Whether the gradient is written as source too.
  public var withGradient = false
  /// Whether verification also maps the result over a stack of inputs, in inference.
  package var verifiesVectorisation = false
  /// The interpreter to use; searched for when nil.
  public var python: String?

  public init(entry: String, to target: TargetFramework, output: URL) {
    self.entry = entry
    self.target = target
    self.output = output
    inputs = []
    dynamic = []
    mode = .both
    verify = true
  }
}

/// What is compared with the source.
package enum VerifiedExecution: Sendable {
  /// The emitted source, in its framework.
  case target
  /// The package, natively.
  case native
}

/// What of a module is converted.
public enum ConversionMode: String, Sendable, CaseIterable, Codable {
  /// One function that infers, and trains where that is another computation.
  case both
  /// What the module computes after `module.eval()`.
  case eval
}

/// The frameworks that Graft writes.
public enum TargetFramework: String, Sendable, CaseIterable, Codable {
  case jax
}

/// What a long operation is doing: a phase's name, and the fraction done where it is known.
public typealias ProgressHandler = @Sendable (_ phase: String, _ fraction: Double?) -> Void
