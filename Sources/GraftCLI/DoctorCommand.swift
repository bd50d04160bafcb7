import ArgumentParser
import Graft

/// `graft doctor`.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check what Graft needs: the Python interpreter, the frameworks, the processor.",
    discussion: """
      The interpreter is --python, $GRAFT_PYTHON, $VIRTUAL_ENV, ./.venv or python3 on PATH, the first of these that is
      given or exists. PyTorch and JAX are imported, to see whether that works.

      EXAMPLES
        graft doctor
        graft doctor --python /opt/python/bin/python3
        graft doctor --json

      Exit codes: 0 everything that is required is there; 1 something is missing; 2 wrong usage.
      """)

  @Option(help: "The Python interpreter to examine.", completion: .file())
  var python: String?

  @Flag(help: "Print the findings as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false

  func run() async throws {
    if quiet { Progress.shared.beQuiet() }
    let report = await Doctor(python: python).examine(progress: Progress.shared.handler)
    Progress.shared.clear()
    if json {
      Console.output(try JSONText.encode(report))
    } else {
      for line in lines(report) { Console.output(line) }
    }
    if !report.isHealthy {
      for problem in report.problems {
        Console.note("error: \(problem.message)")
        if let remedy = problem.remedy { Console.note("  \(remedy)") }
      }
      throw StatusError(status: .failed)
    }
  }

  private func lines(_ report: DoctorReport) -> [String] {
    let build = report.graft
    var table = TextTable()
    table.add("graft", "\(build.version), \(build.configuration) build, Swift \(build.swift), \(build.platform)")
    if let python = report.python {
      table.add("python", "\(python.version) at \(python.executable), chosen by \(python.chosenBy)")
      table.add("library", python.library)
    } else {
      table.add("python", "none that can be used")
    }
    for framework in report.frameworks { table.add(framework.name, describe(framework)) }
    let processor = report.processor
    table.add("processor", processor.brand.isEmpty ? "unknown" : processor.brand)
    table.add("features", processor.features.isEmpty ? "none" : processor.features.joined(separator: " "))
    table.add("kernels", processor.kernels ?? processor.problem ?? "unknown")
    let blas = report.blas
    if let path = blas.path {
      table.add("blas", "\(path), core \(blas.core ?? "unknown")")
    } else {
      table.add("blas", [blas.problem, blas.remedy].compactMap { $0 }.joined(separator: " "))
    }
    return table.lines + ["", report.isHealthy ? "All that is required is there." : "Something is missing."]
  }

  private func describe(_ framework: DoctorReport.Framework) -> String {
    guard let version = framework.version else {
      let install = framework.installCommand.map { ": \($0)" } ?? ""
      return framework.isRequired ? "MISSING\(install)" : "not installed"
    }
    if framework.importError != nil { return "\(version), CANNOT BE IMPORTED" }
    guard let seconds = framework.importSeconds else { return version }
    let tenths = Int((seconds * 10).rounded())
    return "\(version), imported in \(tenths / 10).\(tenths % 10) s"
  }
}
