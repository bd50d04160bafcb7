package import GraftIR
import GraftOps

/// A rewriting of a whole function into one that computes the same.
package protocol Pass: Sendable {
  /// A verb phrase for messages: `eliminate dead code`.
  var name: String { get }
  /// - Throws: ``Diagnostic`` when the function cannot be rewritten.
  func run(_ function: Function) throws -> Function
}

/// Passes that run one after another.
package struct PassPipeline: Pass {
  package var name: String
  package var passes: [any Pass]
  /// Whether the function is verified before the first pass and after each.
  package var verifies: Bool

  package init(_ name: String = "pipeline", _ passes: [any Pass], verifies: Bool = false) {
    self.name = name
    self.passes = passes
    self.verifies = verifies
  }

  package func run(_ function: Function) throws -> Function {
    var function = function
    if verifies { try verify(function, "before \(name)") }
    for pass in passes {
      function = try pass.run(function)
      if verifies { try verify(function, "after \(pass.name)") }
    }
    return function
  }

  private func verify(_ function: Function, _ when: String) throws {
    do {
      try OpCatalogue.verify(function)
    } catch var diagnostic as Diagnostic {
      diagnostic.notes.append("found \(when)")
      throw diagnostic
    }
  }
}
