package import GraftFiles

/// A stretch of memory of a plan.
package struct Buffer: Sendable {
  package enum Kind: Sendable {
    /// Passed in by the caller, by the number of the argument.
    case input(Int)
    /// Passed out to the caller, by the number of the result.
    case output(Int)
    /// Weights where they lie.
    case tensor(TensorData)
    /// Computed from weights and literals alone, once, before the first run.
    case prepared
    /// Memory of the program's variables, by the number of the variable.
    case variable(Int)
    /// Between steps; at an offset of the arena.
    case temporary
    /// A part of another tensor, which the loop over its positions moves from one to the next.
    case window
  }

  package var kind: Kind
  package var byteCount: Int

  /// Whether its contents are the same in each run.
  package var isConstant: Bool {
    switch kind {
    case .tensor, .prepared: true
    case .input, .output, .variable, .temporary, .window: false
    }
  }
}
