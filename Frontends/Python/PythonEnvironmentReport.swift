internal import Foundation

/// What an interpreter has to offer: itself, and the frameworks installed for it.
package struct PythonEnvironmentReport: Sendable, Hashable, Codable {
  package struct Package: Sendable, Hashable, Codable {
    /// The framework's name, which is also the one it is installed by.
    package var name: String
    /// The installed version, nil where it is missing.
    package var version: String?
    /// Whether it was asked for.
    package var isRequired: Bool
    /// The command that installs it, where it is required and missing.
    package var installCommand: String?
  }

  package var interpreter: PythonInterpreter
  /// In the order of `frameworks`.
  package var packages: [Package]

  /// The required packages that are missing.
  package var missing: [Package] { packages.filter { $0.isRequired && $0.version == nil } }

  /// The frameworks that are looked for.
  package static let frameworks = [
    "torch", "torchvision", "jax", "jaxlib", "flax", "transformers", "tensorflow", "keras", "numpy", "safetensors",
    "onnx", "mlx",
  ]

  /// Other distributions that install the same framework.
  private static let alternatives = ["tensorflow": ["tensorflow-cpu", "tensorflow-macos", "tf-nightly"]]

  /// Asks `interpreter`, in a process of its own, for the versions of all frameworks; imports none of them.
  /// - Parameter required: names out of `frameworks` that the user's work needs.
  /// - Throws: `PythonSetupError` when the interpreter does not answer.
  package static func collect(
    _ interpreter: PythonInterpreter, required: Set<String> = ["torch", "jax", "numpy"],
    environment: [String: String] = ProcessInfo.processInfo.environment, timeout: Duration = .seconds(30)
  ) async throws -> PythonEnvironmentReport {
    let distributions = frameworks.flatMap { [$0] + (alternatives[$0] ?? []) }
    let output = try await PythonQuery.run(
      interpreter.executable, script: PackageResources.packages_py, arguments: distributions,
      environment: environment, timeout: timeout)
    guard let versions = try? JSONDecoder().decode([String: String?].self, from: output) else {
      throw PythonSetupError(
        .notAnInterpreter, "\(interpreter.executable) gives no usable list of its packages.",
        remedy: "Choose another Python with --python.")
    }
    let packages = frameworks.map { name in
      let version = ([name] + (alternatives[name] ?? [])).lazy.compactMap { versions[$0] ?? nil }.first
      let isRequired = required.contains(name)
      return Package(
        name: name, version: version, isRequired: isRequired,
        installCommand: isRequired && version == nil ? installCommand(name, for: interpreter) : nil)
    }
    return PythonEnvironmentReport(interpreter: interpreter, packages: packages)
  }

  private static func installCommand(_ name: String, for interpreter: PythonInterpreter) -> String {
    let plain = interpreter.executable.allSatisfy { $0.isLetter || $0.isNumber || "/._-+".contains($0) }
    let executable =
      plain ? interpreter.executable : "'" + interpreter.executable.replacing("'", with: "'\\''") + "'"
    let isMLXOnLinux = name == "mlx" && interpreter.platform.hasPrefix("linux")
    return "\(executable) -m pip install \(isMLXOnLinux ? "mlx mlx-cpu" : name)"
  }
}
