internal import Foundation

extension PythonInterpreter {
  /// Finds the interpreter to use: `explicit` (the `--python` option), `$GRAFT_PYTHON`, `$VIRTUAL_ENV/bin/python`,
  /// `./.venv/bin/python`, or `python3` on `PATH`, the first of these that is given or exists.
  ///
  /// A choice of the user's that does not work is an error, never passed over for the next. Each may be a path, the
  /// directory of a virtual environment, or a name to look up on `PATH`. The interpreter is run once, with
  /// `environment`, and asked about itself.
  /// - Parameters:
  ///   - directory: where relative paths and `.venv` are looked for; the working directory unless given.
  ///   - timeout: how long the interpreter may take to answer.
  /// - Throws: `PythonSetupError`.
  package static func discover(
    explicit: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment,
    directory: String = FileManager.default.currentDirectoryPath, timeout: Duration = .seconds(30)
  ) async throws -> PythonInterpreter {
    let (path, origin) = try PythonSearch(environment: environment, directory: directory).choose(explicit: explicit)
    let output = try await PythonQuery.run(
      path, script: PackageResources.describe_py, environment: environment, timeout: timeout)
    let description: Description
    do {
      description = try JSONDecoder().decode(Description.self, from: output)
    } catch {
      throw PythonSetupError(
        .notAnInterpreter, "\(path) gives no usable description of itself.",
        remedy: "Choose another Python with --python.")
    }
    return try description.interpreter(path: path, origin: origin)
  }
}

/// Looks for an interpreter's path; runs nothing.
private struct PythonSearch {
  var environment: [String: String]
  var directory: String

  func choose(explicit: String?) throws -> (path: String, origin: PythonInterpreter.Origin) {
    if let explicit { return (try resolve(explicit, .option), .option) }
    if let chosen = nonEmpty("GRAFT_PYTHON") { return (try resolve(chosen, .graftPython), .graftPython) }
    if let root = nonEmpty("VIRTUAL_ENV") {
      return (try resolve(absolute(root) + "/bin/python", .virtualEnvironment), .virtualEnvironment)
    }
    let local = absolute(".venv/bin/python")
    if FileManager.default.fileExists(atPath: local) {
      return (try resolve(local, .localEnvironment), .localEnvironment)
    }
    if let found = onPath("python3") { return (found, .path) }
    throw PythonSetupError(
      .notFound, "There is no python3 on PATH.",
      remedy: "Install Python 3.10 or later, activate a virtual environment, or pass --python PATH.")
  }

  private func nonEmpty(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    if path.hasPrefix("~/"), let home = nonEmpty("HOME") { return home + path.dropFirst() }
    return directory + "/" + path
  }

  private func onPath(_ name: String) -> String? {
    let directories = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return directories.lazy.map { absolute($0) + "/" + name }.first {
      !isDirectory($0) && FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  private func isDirectory(_ path: String) -> Bool {
    var directory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &directory) && directory.boolValue
  }

  private func resolve(_ choice: String, _ origin: PythonInterpreter.Origin) throws -> String {
    let remedy = "Point \(origin.rawValue) at a Python 3.10 or later, or leave it out to use python3 on PATH."
    if !choice.contains("/") {
      if let found = onPath(choice) { return found }
      if !FileManager.default.fileExists(atPath: absolute(choice)) {
        throw PythonSetupError(
          .notFound, "\(origin.rawValue) asks for \(choice), which is not on PATH.", remedy: remedy)
      }
    }
    var path = absolute(choice)
    if isDirectory(path) { path += "/bin/python" }
    guard FileManager.default.fileExists(atPath: path), !isDirectory(path) else {
      throw PythonSetupError(
        .notFound, "\(origin.rawValue) asks for \(path), which does not exist.", remedy: remedy)
    }
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw PythonSetupError(
        .notExecutable, "\(origin.rawValue) asks for \(path), which is not an executable file.", remedy: remedy)
    }
    return path
  }
}

/// What `describe.py` prints.
private struct Description: Decodable {
  var version: [Int]
  var implementation: String
  var executable: String?
  var prefix: String
  var basePrefix: String
  var abiFlags: String
  var platform: String
  var library: String?
  var variables: [String: String?]

  enum CodingKeys: String, CodingKey {
    case version, implementation, executable, prefix
    case basePrefix = "base_prefix"
    case abiFlags = "abi_flags"
    case platform, library, variables
  }

  func interpreter(path: String, origin: PythonInterpreter.Origin) throws -> PythonInterpreter {
    guard version.count == 3 else {
      throw PythonSetupError(
        .notAnInterpreter, "\(path) gives no version.", remedy: "Choose another Python with --python.")
    }
    let version = PythonInterpreter.Version(version[0], version[1], version[2])
    let minimum = PythonInterpreter.minimumVersion
    guard implementation == "CPython" else {
      throw PythonSetupError(
        .unsupported, "\(path) is \(implementation), and Graft needs CPython.",
        remedy: "Choose a CPython \(minimum.major).\(minimum.minor) or later with --python.")
    }
    guard version >= minimum else {
      throw PythonSetupError(
        .unsupported,
        "\(path) is Python \(version), and Graft needs \(minimum.major).\(minimum.minor) or later.",
        remedy: "Choose a newer Python with --python or $GRAFT_PYTHON.")
    }
    let executable = executable.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? path
    guard let library = libraryCandidates(executable: executable, version: version).first(where: isFile) else {
      throw PythonSetupError(
        .noSharedLibrary, "The Python \(version) at \(executable) has no shared library that Graft could load.",
        remedy: remedyWithoutLibrary(version))
    }
    return PythonInterpreter(
      executable: executable, version: version, prefix: prefix, basePrefix: basePrefix, library: library,
      platform: platform, origin: origin)
  }

  private func isFile(_ path: String) -> Bool {
    var directory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &directory) && !directory.boolValue
  }

  private func variable(_ name: String) -> String? { variables[name] ?? nil }

  /// Where the shared library may be, the surest place first.
  private func libraryCandidates(executable: String, version: PythonInterpreter.Version) -> [String] {
    let stem = "libpython\(version.major).\(version.minor)\(abiFlags)"
    let names = [
      variable("INSTSONAME"), variable("LDLIBRARY"), stem + ".so.1.0", stem + ".so.1", stem + ".so", stem + ".dylib",
    ].compactMap { $0 }.filter { !$0.hasSuffix(".a") }
    let realExecutable = URL(fileURLWithPath: executable).resolvingSymlinksInPath().path
    let besideExecutable = URL(fileURLWithPath: realExecutable).deletingLastPathComponent().path + "/../lib"
    let libraryDirectory = variable("LIBDIR")
    let multiarch = variable("MULTIARCH")
    let directories = [
      libraryDirectory, basePrefix + "/lib", basePrefix + "/lib64", besideExecutable,
      multiarch.map { (libraryDirectory ?? "/usr/lib") + "/" + $0 }, multiarch.map { "/usr/lib/" + $0 },
      variable("LIBPL"), variable("PYTHONFRAMEWORKPREFIX"),
    ].compactMap { $0 }.filter { $0.hasPrefix("/") }
    let combined = directories.flatMap { directory in names.map { directory + "/" + $0 } }
    return ([library].compactMap { $0 } + combined).map { URL(fileURLWithPath: $0).standardizedFileURL.path }
  }

  private func remedyWithoutLibrary(_ version: PythonInterpreter.Version) -> String {
    let debian = "`sudo apt install libpython3-dev`"
    let pyenv = "`PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force \(version)`"
    if basePrefix.contains("/.pyenv/") { return "Rebuild it with \(pyenv)." }
    if basePrefix == "/usr" { return "Install it with \(debian) on Debian or Ubuntu." }
    return
      "Install it with \(debian) on Debian or Ubuntu, or build Python with --enable-shared, with pyenv by \(pyenv)."
  }
}
