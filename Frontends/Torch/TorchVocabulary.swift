import GraftOps
package import GraftTrace

/// How calls of PyTorch's operator library become ops.
package enum TorchVocabulary {
  package static let shared = ImportVocabulary(framework: .aten, prefix: "aten.", rules: rules)

  typealias Rules = [String: ImportVocabulary.Rule]

  /// The families' rules, one file each; a name is claimed once.
  private static let rules: Rules = [
    creation,
    arithmetic,
    comparisons,
    activations,
    reductions,
    scans,
    sorting,
    shapes,
    slicing,
    joining,
    indexing,
    linearAlgebra,
    fourier,
    convolutions,
    pooling,
    normalizations,
    attention,
    recurrent,
    embeddings,
    resampling,
    losses,
    random,
    control,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
