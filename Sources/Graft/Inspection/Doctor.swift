import Foundation
import GraftIR
import GraftNative
import GraftPython

/// Examines the machine: the interpreter, the frameworks, the processor.
public struct Doctor: Sendable {
  /// The interpreter to examine; searched for when nil.
  public var python: String?

  public init(python: String? = nil) { self.python = python }

  /// The frameworks that are imported, not only looked for.
  private static let required = ["torch", "jax"]

  /// Looks at everything; what is missing is in the report and no error.
  public func examine(progress: ProgressHandler? = nil) async -> DoctorReport {
    // The library is loaded before other threads start.
    let blas = Self.blas()
    var report = DoctorReport(
      graft: Self.build, python: nil, frameworks: [], processor: Self.processor(), blas: blas, problems: [])
    do {
      progress?("looking for Python", nil)
      let interpreter = try await PythonInterpreter.discover(explicit: python)
      report.python = DoctorReport.Python(interpreter)
      let environment = try await PythonEnvironmentReport.collect(interpreter)
      report.frameworks = environment.packages.map(DoctorReport.Framework.init)
      for package in environment.missing {
        report.problems.append(
          .init(
            message: "\(package.name) is not installed for \(interpreter.executable)",
            remedy: package.installCommand.map { "Install it: `\($0)`" }))
      }
      let runtime = try await PythonRuntime.start(interpreter)
      await importFrameworks(runtime, into: &report, progress: progress)
    } catch let error as PythonSetupError {
      report.problems.append(.init(message: error.message, remedy: error.remedy))
    } catch {
      report.problems.append(.init(message: Problem(error).message, remedy: Problem(error).remedy))
    }
    return report
  }

  private func importFrameworks(
    _ runtime: PythonRuntime, into report: inout DoctorReport, progress: ProgressHandler?
  ) async {
    for index in report.frameworks.indices {
      let name = report.frameworks[index].name
      guard Self.required.contains(name), report.frameworks[index].version != nil else { continue }
      progress?("importing \(name)", nil)
      let start = ContinuousClock.now
      do {
        try await runtime.load(
          module: "graft_doctor_\(name)", source: "import \(name)\n", filename: "<graft>/doctor.py")
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        report.frameworks[index].importSeconds = (elapsed * 1000).rounded() / 1000
      } catch {
        let reason = (error as? PythonError)?.description ?? "\(error)"
        report.frameworks[index].importError = reason
        report.problems.append(
          .init(message: "\(name) is installed and cannot be imported: \(reason)", remedy: "Install it again."))
      }
    }
  }

  private static func processor() -> DoctorReport.Processor {
    let features = CPUFeatures.current
    var processor = DoctorReport.Processor(
      brand: features.brand, features: features.sortedFeatures.map(\.rawValue), kernels: nil, problem: nil)
    do {
      processor.kernels = try KernelPath.choose(features, environment: ProcessInfo.processInfo.environment).rawValue
    } catch {
      processor.problem = "\(error)"
    }
    return processor
  }

  private static func blas() -> DoctorReport.BLAS {
    switch BLASLibrary.status {
    case .loaded(let library):
      .init(path: library.path, configuration: library.configuration, core: library.coreName)
    case .missing(let reason, let remedy):
      .init(problem: reason, remedy: remedy)
    }
  }

  private static var build: DoctorReport.Build {
    #if DEBUG
      let configuration = "debug"
    #else
      let configuration = "release"
    #endif
    return DoctorReport.Build(
      version: GraftVersion.current, swift: swiftVersion, configuration: configuration, platform: platform)
  }

  /// The language version of the compiler that built this program; nothing finer can be asked at compile time.
  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }

  private static var platform: String {
    #if os(macOS)
      let system = "macOS"
    #else
      let system = "Linux"
    #endif
    #if arch(x86_64)
      return "\(system) x86_64"
    #elseif arch(arm64)
      return "\(system) arm64"
    #else
      return system
    #endif
  }
}

extension DoctorReport.Python {
  fileprivate init(_ interpreter: PythonInterpreter) {
    self.init(
      executable: interpreter.executable, version: interpreter.version.description,
      chosenBy: interpreter.origin.rawValue, library: interpreter.library, platform: interpreter.platform)
  }
}

extension DoctorReport.Framework {
  fileprivate init(_ package: PythonEnvironmentReport.Package) {
    self.init(
      name: package.name, version: package.version, isRequired: package.isRequired,
      installCommand: package.installCommand)
  }
}
