import ArgumentParser
import Foundation
import Graft

/// `graft verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run source and converted program again and compare them.",
    discussion: """
      Runs both on the same weights, inputs and random draws: outputs, gradients of inputs and parameters and, in
      training, the new state, at two sizes of each dynamic dimension. The table is printed and kept in the manifest.

      EXAMPLES
        graft verify out/
        graft verify out/ --all

      Exit codes: 0 verified; 1 failed; 2 wrong usage; 3 the source uses something unsupported; 4 the result did not
      verify.
      """)

  @Argument(help: "A folder that `graft transpile` wrote.", completion: .directory)
  var directory: String

  @Flag(name: .shortAndLong, help: "List every tensor and module, not only the largest errors.")
  var all = false

  @Option(help: "The Python interpreter to use.", completion: .file())
  var python: String?

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false

  func run() async throws {
    if quiet { Progress.shared.beQuiet() }
    do {
      let url = URL(filePath: directory, directoryHint: .isDirectory)
      let report = try await Transpiler().verify(url, python: python, progress: Progress.shared.handler)
      Progress.shared.clear()
      let table = VerificationTable(report)
      if json {
        Console.output(try JSONText.encode(report))
      } else {
        for line in all ? table.rows : table.summary { Console.output(line) }
      }
      if !report.passed {
        for line in table.failure { Console.note(line) }
        throw StatusError(status: .notVerified)
      }
    } catch let error where !(error is StatusError) {
      throw Problem(error)
    }
  }
}
