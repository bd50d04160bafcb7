import ArgumentParser
import Graft

/// The command `graft`.
@main
struct GraftCLI: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graft",
    abstract: "Move machine-learning code between frameworks: as source, with its weights, verified.",
    version: GraftVersion.current,
    subcommands: [TranspileCommand.self, VerifyCommand.self])

  /// Runs the command line and ends the process with the documented exit codes.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      ExitStatus(error).end(error)
    }
  }
}
