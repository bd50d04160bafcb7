public import Foundation
import GraftFiles
import GraftIR
import GraftJAX

/// Converts programs from one framework to another.
public struct Transpiler: Sendable {
  /// What a conversion wrote.
  public struct Result: Sendable {
    public var manifest: Manifest
    /// The files by absolute path, the source first.
    public var files: [URL]
    /// Buffers that no output depends on: they are in the package, not in the source.
    public var unobservedState: [String]
    /// What could not be written as it was asked for.
    public var notes: [String]
  }

  public init() {}

  /// Traces the entry for people to look at; converts and writes nothing.
  ///
  /// - Parameter progress: told what is being done.
  /// - Throws: ``Diagnostic``.
  public func inspect(_ options: TranspileOptions, progress: ProgressHandler? = nil) async throws -> PackageInspector {
    let (_, trace) = try await trace(options, progress: progress)
    return PackageInspector(try trace.conversion.function(), of: options.entry, in: trace.document)
  }

  /// Starts Python and traces the entry.
  private func trace(
    _ options: TranspileOptions, progress: ProgressHandler?
  ) async throws -> (host: PythonHost, trace: TraceReply) {
    progress?("starting Python", nil)
    let host = try await PythonHost.start(python: options.python)
    try await host.loadTorch()
    progress?("tracing", nil)
    return (host, try await TraceReply(host.call("graft_torch_tracer", "trace", TraceRequest(options))))
  }

  /// Traces the entry, converts it, writes its files and verifies them.
  ///
  /// The folder changes only when everything has been written: an interrupted or failed conversion leaves what was
  /// there.
  ///
  /// - Parameter progress: told what is being done.
  /// - Returns: what was written, with the report of the verification; the report may say that it failed.
  /// - Throws: ``Diagnostic``.
  public func transpile(_ options: TranspileOptions, progress: ProgressHandler? = nil) async throws -> Result {
    let (host, trace) = try await trace(options, progress: progress)
    progress?("converting", nil)
    let program = try ConvertedProgram(trace, options: options)
    progress?("writing", nil)
    let staging = try StagedOutput(program, directory: options.output)
    var manifest = program.manifest
    if options.verify {
      manifest.verification = try await verification(
        of: program, staging.targets(program), host, options, progress: progress)
    }
    let files = try staging.commit(manifest)
    return Result(
      manifest: manifest, files: files, unobservedState: program.unobservedState, notes: program.module.notes)
  }

  private func verification(
    of program: ConvertedProgram, _ targets: [Verifier.Target], _ host: PythonHost, _ options: TranspileOptions,
    progress: ProgressHandler?
  ) async throws -> VerificationReport {
    progress?("verifying", 0)
    let verifier = Verifier(host: host, trace: program.trace, function: program.emitted, options: options)
    switch options.verifiedExecution {
    case .target:
      try await host.loadJAX()
      return try await verifier.verify(targets, progress: progress)
    case .native: return try await verifier.verifyNatively(progress: progress)
    }
  }

  /// Runs the verification of a converted program again, on the files as they are now.
  ///
  /// - Parameter directory: a folder that ``transpile(_:progress:)`` wrote.
  /// - Returns: the report, which is also stored in the manifest.
  /// - Throws: ``Diagnostic``.
  public func verify(
    _ directory: URL, python: String? = nil, progress: ProgressHandler? = nil
  ) async throws -> VerificationReport {
    var manifest = try Manifest.read(from: directory.path)
    let options = try TranspileOptions(manifest, directory: directory, python: python)
    try manifest.checkFiles(in: directory)
    let package = try GraftPackage(contentsOf: directory.appending(path: try manifest.file("package")).path)
    let (host, trace) = try await trace(options, progress: progress)
    try await host.loadJAX()
    let program = try ConvertedProgram(trace, options: options)
    let verifier = Verifier(
      host: host, trace: trace, function: program.emitted, options: options, weights: try package.tensors)
    let weights = directory.appending(path: try manifest.file("weights")).path
    let targets = try program.targets(weights: weights) { role in
      directory.appending(path: try manifest.file(role)).path
    }
    let report = try await verifier.verify(
      targets.map { $0.withRemedy("Mend the file, or convert the model again with `graft transpile`.") },
      progress: progress)
    manifest.verification = report
    try AtomicWriter.write(to: directory.appending(path: Manifest.fileName).path) {
      try $0.write(try manifest.text())
    }
    return report
  }
}

/// Asks the tracer for a trace.
struct TraceRequest: Encodable, Sendable {
  struct Inputs: Encodable, Sendable {
    var factory: String?
    var specs: [String]?
  }

  var entry: String
  var `init`: String?
  var inputs: Inputs
  var dynamic: [String]
  var name: String?
  var mode: ConversionMode

  init(_ options: TranspileOptions) {
    entry = options.entry
    `init` = options.initArguments
    inputs = Inputs(factory: options.inputFactory, specs: options.inputFactory == nil ? options.inputs : nil)
    dynamic = options.dynamic
    name = options.name
    mode = options.mode
  }
}

extension TranspileOptions {
  /// The options that a manifest was made with.
  init(_ manifest: Manifest, directory: URL, python: String?) throws {
    guard let target = TargetFramework(rawValue: manifest.target.framework) else {
      throw Diagnostic(.invalidPackage, "\(Manifest.fileName) names the unknown target \(manifest.target.framework)")
    }
    self.init(entry: manifest.source.entry, to: target, output: directory)
    initArguments = manifest.source.initArguments
    inputs = manifest.source.inputs
    inputFactory = manifest.source.inputFactory
    dynamic = manifest.source.dynamic
    mode = manifest.source.mode ?? .both
    name = manifest.name
    scan = manifest.target.scan ?? false
    withGradient = manifest.files["gradient"] != nil
    self.python = python
  }
}

extension Manifest {
  /// - Throws: ``Diagnostic`` when a file that the manifest names is not there.
  func checkFiles(in directory: URL) throws {
    for role in ["source", "weights", "package"] + (files["gradient"] == nil ? [] : ["gradient"]) {
      let path = directory.appending(path: try file(role)).path
      if !FileManager.default.isReadableFile(atPath: path) {
        throw Diagnostic(
          .invalidPackage, "\(path) is missing or cannot be read", remedy: "Convert the model again.")
      }
    }
  }

  /// A file of the folder by role; never outside of it.
  func file(_ role: String) throws -> String {
    guard let name = files[role], !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
      throw Diagnostic(.invalidPackage, "\(Manifest.fileName) names no usable \(role) file")
    }
    return name
  }
}
