import GraftEmit

/// How JAX writes the ops that the catalogue's spelling cannot say, one file a family.
enum JAXRules {
  typealias Rules = [String: EmitRule]

  static let all: Rules = [
    creation, elementwise, shapes, linearAlgebra, convolutions, normalizations, random, control,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }
}
