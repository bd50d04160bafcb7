internal import Foundation
internal import NativeKernels

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// An OpenBLAS found and loaded at run time.
package struct BLASLibrary: Sendable, Hashable, Codable {
  /// The file, symbolic links resolved.
  package var path: String
  /// `openblas_get_config()`: version and build options.
  package var configuration: String
  /// `openblas_get_corename()`: the kernels that it runs.
  package var coreName: String
  /// The core type that Graft asked for, nil where it left the choice to the library or to the user.
  package var requestedCoreType: String?

  /// What the search came to.
  package enum Status: Sendable, Hashable, Codable {
    case loaded(BLASLibrary)
    /// Not installed, or not usable: why, and what to do.
    case missing(reason: String, remedy: String)
  }

  /// Where it is looked for: names that the dynamic loader resolves, and paths.
  package static let candidates: [String] = {
    #if canImport(Darwin)
      ["/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "/usr/local/opt/openblas/lib/libopenblas.dylib"]
    #else
      ["libopenblas.so.0", "libopenblas.so"]
    #endif
  }()

  /// The one of this process; the first use loads it, and may set an environment variable for that long, so it belongs
  /// before other threads start.
  package static let status = load()

  /// Loads the first of `candidates` that is an OpenBLAS, never unloaded again. A library that is already in the process
  /// keeps its kernels.
  package static func load(
    candidates: [String] = candidates, features: CPUFeatures = .current,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Status {
    let coreType = coreType(for: features, environment: environment)
    if let coreType { setenv(coreTypeVariable, coreType, 1) }
    defer { if coreType != nil { unsetenv(coreTypeVariable) } }
    var reason = "There is no OpenBLAS."
    for name in candidates {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      guard let configuration = string(handle, "openblas_get_config"),
        let coreName = string(handle, "openblas_get_corename"), dlsym(handle, "cblas_sgemm") != nil
      else {
        reason = "\(name) is not an OpenBLAS with the CBLAS interface."
        dlclose(handle)
        continue
      }
      return .loaded(
        BLASLibrary(
          path: path(of: handle) ?? name, configuration: configuration.trimmingCharacters(in: .whitespaces),
          coreName: coreName, requestedCoreType: coreType))
    }
    return .missing(reason: reason, remedy: remedy)
  }

  /// The core type to ask for before loading: OpenBLAS up to 0.3.21 takes AMD's Zen 4 and Zen 5 for Haswells and leaves
  /// half of their speed unused. Nil where the library knows better, or where the user has chosen.
  package static func coreType(for features: CPUFeatures, environment: [String: String]) -> String? {
    guard environment[coreTypeVariable] == nil, features.vendor == "AuthenticAMD" else { return nil }
    return KernelPath.avx512.missing(from: features).isEmpty ? "SkylakeX" : nil
  }

  private static let coreTypeVariable = "OPENBLAS_CORETYPE"

  private static let remedy: String = {
    #if canImport(Darwin)
      "Install it with `brew install openblas`."
    #else
      "Install it with `sudo apt install libopenblas0` on Debian or Ubuntu."
    #endif
  }()

  private static func string(_ handle: UnsafeMutableRawPointer, _ name: String) -> String? {
    guard let symbol = dlsym(handle, name) else { return nil }
    let function = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafePointer<CChar>?).self)
    return function().map { String(cString: $0) }
  }

  private static func path(of handle: UnsafeMutableRawPointer) -> String? {
    guard let symbol = dlsym(handle, "openblas_get_config"), let name = graft_library_path(symbol) else { return nil }
    return URL(fileURLWithPath: String(cString: name)).resolvingSymlinksInPath().path
  }
}
