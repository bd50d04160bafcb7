import GraftEmit

/// The helper functions that emitted JAX code may carry: the Python files of this folder's `Helpers`.
enum JAXHelpers {
  static let library = HelperLibrary(sources: files.map { String(decoding: $0, as: UTF8.self) })

  private static let files: [[UInt8]] = [
    PackageResources.linear_py, PackageResources.convolution_py, PackageResources.normalization_py,
    PackageResources.random_py,
  ]

  /// `load_params` for models without and with state.
  static let loader = library(PackageResources.load_params_py)
  static let stateLoader = library(PackageResources.load_params_and_state_py)

  private static func library(_ file: [UInt8]) -> HelperLibrary {
    HelperLibrary(sources: [String(decoding: file, as: UTF8.self)])
  }
}
