import GraftEmit

/// How JAX writes the ops that the catalogue's spelling cannot say, one file a family.
enum JAXRules {
  typealias Rules = [String: EmitRule]

  static let all: Rules = [
    creation,
    elementwise,
    activations,
    reductions,
    scans,
    sorting,
    shapes,
    joining,
    indexing,
    linearAlgebra,
    fourier,
    convolutions,
    pooling,
    normalizations,
    attention,
    rotary,
    recurrent,
    embeddings,
    resampling,
    losses,
    random,
    control,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
