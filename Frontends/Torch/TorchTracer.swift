/// The Python side of the PyTorch frontend, embedded in the program.
package enum TorchTracer {
  /// A module of embedded Python source.
  package struct Module: Sendable {
    package var name: String
    package var source: String
  }

  /// The modules in the order in which they must be loaded.
  package static let modules: [Module] = [
    ("entry", PackageResources.entry_py), ("inputs", PackageResources.inputs_py),
    ("replaced", PackageResources.replaced_py), ("arguments", PackageResources.arguments_py),
    ("frames", PackageResources.frames_py), ("capture", PackageResources.capture_py),
    ("sizes", PackageResources.sizes_py), ("statements", PackageResources.statements_py),
    ("document", PackageResources.document_py),
    ("modes", PackageResources.modes_py), ("problems", PackageResources.problems_py),
    ("tracer", PackageResources.tracer_py), ("draws", PackageResources.draws_py),
    ("branches", PackageResources.branches_py), ("source", PackageResources.source_py),
  ].map { Module(name: "graft_torch_\($0.0)", source: String(decoding: $0.1, as: UTF8.self)) }
}
