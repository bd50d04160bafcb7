import GraftEmit

/// The helper functions that emitted JAX code may carry: the Python files of this folder's `Helpers`.
enum JAXHelpers {
  static let library = HelperLibrary(sources: files.map { String(decoding: $0, as: UTF8.self) })

  private static let files: [[UInt8]] = [
    PackageResources.elementwise_py,
    PackageResources.activations_py,
    PackageResources.reductions_py,
    PackageResources.scans_py,
    PackageResources.sorting_py,
    PackageResources.shapes_py,
    PackageResources.indexing_py,
    PackageResources.linear_py,
    PackageResources.fourier_py,
    PackageResources.convolution_py,
    PackageResources.pooling_py,
    PackageResources.normalization_py,
    PackageResources.attention_py,
    PackageResources.rotary_py,
    PackageResources.recurrent_py,
    PackageResources.embedding_py,
    PackageResources.resampling_py,
    PackageResources.losses_py,
    PackageResources.random_py,
  ]

  /// `load_params` for models without and with state.
  static let loader = library(PackageResources.load_params_py)
  static let stateLoader = library(PackageResources.load_params_and_state_py)

  /// What a loader of stacked parameters calls.
  static let stacking = library(PackageResources.stack_py)

  private static func library(_ file: [UInt8]) -> HelperLibrary {
    HelperLibrary(sources: [String(decoding: file, as: UTF8.self)])
  }
}
