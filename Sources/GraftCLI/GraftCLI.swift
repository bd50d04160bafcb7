import ArgumentParser
import Graft

/// The command `graft`.
@main
struct GraftCLI: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graft",
    abstract: "Move machine-learning code between frameworks: as source, with its weights, verified.",
    discussion: """
      EXAMPLES
        graft doctor
        graft transpile torchvision.models:resnet18 --input 'f32[N,3,224,224]' --to jax -o out/
        graft verify out/
        graft run out/ --input 'x=random[8,3,224,224]'
        graft train out/resnet18.graft --data digits.npz --metric accuracy -o tuned.graft
        graft inspect out/
        graft ops conv

      Shell completions: `graft --generate-completion-script bash` (or zsh, fish).

      Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the source uses something unsupported; 4 the result did not verify.
      """,
    version: GraftVersion.current,
    subcommands: [
      TranspileCommand.self, VerifyCommand.self, RunCommand.self, TrainCommand.self, BenchCommand.self,
      InspectCommand.self, OpsCommand.self, DoctorCommand.self,
    ])

  /// Runs the command line and ends the process with the documented exit codes.
  static func main() async {
    Interruption.cleanUp { Progress.shared.clear() }
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
