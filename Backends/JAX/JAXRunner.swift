/// The Python that runs emitted JAX files for verification, embedded in the program.
package enum JAXRunner {
  /// A module of embedded Python source.
  package struct Module: Sendable {
    package var name: String
    package var source: String
  }

  /// The modules in the order in which they must be loaded.
  package static let modules: [Module] = [
    ("draws", PackageResources.draws_py), ("runner", PackageResources.runner_py),
  ].map { Module(name: "graft_jax_\($0.0)", source: String(decoding: $0.1, as: UTF8.self)) }
}
