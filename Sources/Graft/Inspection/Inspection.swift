/// What a `.graft` package holds: how it is called, its weights, its operations and what they cost.
public struct Inspection: Codable, Sendable, Equatable {
  public var name: String
  /// The file that was read.
  public var package: String
  /// What the program was converted from: framework, version and class.
  public var origin: String
  /// Versions by framework or library, where the package lies beside its manifest.
  public var versions: [String: String]
  public var inputs: [Manifest.Tensor]
  public var outputs: [Manifest.Tensor]
  public var dimensions: [Dimension]
  public var parameters: Parameters
  public var state: [Manifest.Tensor]
  public var constants: [Manifest.Tensor]
  /// Whether training and inference differ.
  public var mode: Bool
  /// Whether it draws random numbers, and so takes a key.
  public var rng: Bool
  public var operations: Operations
  /// Nil when the package was never verified, or lies alone.
  public var verified: Bool?

  /// A dynamic dimension.
  public struct Dimension: Codable, Sendable, Equatable {
    public var name: String
    public var minimum: Int
    /// Nil when it has no upper bound.
    public var maximum: Int?
    /// The size that ``Operations/flops`` is given at.
    public var size: Int
  }

  /// The weights that the program reads; a tied one counts once.
  public struct Parameters: Codable, Sendable, Equatable {
    public var tensors: Int
    public var elements: Int
    public var bytes: Int
    /// Elements that gradients are wanted for, and the others.
    public var trainable: Int
    public var frozen: Int
    /// By the first part of the path, in the order in which they are used first.
    public var modules: [Module]
    public var tied: [Tied]

    public struct Module: Codable, Sendable, Equatable {
      public var path: String
      public var tensors: Int
      public var elements: Int
      public var bytes: Int
    }

    /// One tensor under several paths.
    public struct Tied: Codable, Sendable, Equatable {
      public var path: String
      public var aliases: [String]
    }
  }

  /// The program's operations, those of nested regions included.
  public struct Operations: Codable, Sendable, Equatable {
    public var count: Int
    /// The most frequent first.
    public var kinds: [Kind]
    /// Floating-point operations of one inference at the sizes of ``Inspection/dimensions``; a multiply-add is two.
    public var flops: Int
    /// The same as an expression of the dynamic dimensions.
    public var flopsExpression: String

    public struct Kind: Codable, Sendable, Equatable {
      public var name: String
      public var count: Int
      public var flops: Int
    }
  }
}
