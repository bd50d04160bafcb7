package import GraftIR
import OrderedCollections

/// Every op that Graft knows.
package enum OpCatalogue {
  /// All definitions, family by family.
  package static let all: [OpDefinition] = families.flatMap { $0 }

  private static let byName: [String: OpDefinition] = Dictionary(
    all.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })

  package static func definition(_ name: String) -> OpDefinition? { byName[name] }

  /// The definition of an operation's op.
  ///
  /// - Throws: ``Diagnostic`` for a name that is not in the catalogue.
  package static func definition(of operation: Operation) throws -> OpDefinition {
    guard let definition = byName[operation.name] else {
      throw Diagnostic(
        .invalidProgram, "there is no op `\(operation.name)`", at: operation.origin.location,
        remedy: "The program may come from a newer version of Graft.")
    }
    return definition
  }

  /// The families' arrays, in the order of the coverage page.
  private static let families: [[OpDefinition]] = [
    OpDefinition.creation,
    OpDefinition.arithmetic,
    OpDefinition.comparisons,
    OpDefinition.activations,
    OpDefinition.reductions,
    OpDefinition.scans,
    OpDefinition.sorting,
    OpDefinition.shapes,
    OpDefinition.indexing,
    OpDefinition.linearAlgebra,
    OpDefinition.fourier,
    OpDefinition.convolutions,
    OpDefinition.pooling,
    OpDefinition.normalizations,
    OpDefinition.attention,
    OpDefinition.recurrent,
    OpDefinition.embeddings,
    OpDefinition.resampling,
    OpDefinition.losses,
    OpDefinition.random,
    OpDefinition.control,
  ]
}
