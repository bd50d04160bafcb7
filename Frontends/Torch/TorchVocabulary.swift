import GraftOps
package import GraftTrace

/// How calls of PyTorch's operator library become ops.
package enum TorchVocabulary {
  package static let shared = ImportVocabulary(framework: .aten, prefix: "aten.", rules: rules)

  typealias Rules = [String: ImportVocabulary.Rule]

  /// The families' rules, one file each; a name is claimed once.
  private static let rules: Rules = [
    arithmetic, creation, reductions, shapes, convolutions, pooling, normalizations, random,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
