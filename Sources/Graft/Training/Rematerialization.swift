import GraftIR

/// What training computes again on the way back, instead of keeping it: less memory for more time (Chen et al., 2016).
public struct Rematerialization: Sendable, Hashable {
  /// The paths of modules, with `*` for any text.
  public var patterns: [String]

  /// Everything is kept that the way back needs.
  public static let none = Rematerialization(patterns: [])

  /// Of these modules only what goes in and comes out is kept, as of `blocks.*` for each block of a transformer.
  public static func modules(_ patterns: String...) -> Rematerialization { Rematerialization(patterns: patterns) }

  public init(patterns: [String]) { self.patterns = patterns }

  /// Whether a module's values are computed again.
  func includes(_ module: ModuleCall) -> Bool { patterns.contains { PathPattern($0).matches(module.path) } }
}
