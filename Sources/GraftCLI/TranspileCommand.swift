import ArgumentParser
import Foundation
import Graft

/// `graft transpile`.
struct TranspileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transpile",
    abstract: "Convert a model or function into source for another framework, with its weights, and verify it.",
    discussion: """
      ENTRY is `path/file.py:name` or `package.module:name`; name is a module class, an instance, a factory that
      returns a module, or a plain function of tensors. A letter in a shape is a dynamic dimension.

      EXAMPLES
        graft transpile torchvision.models:resnet18 --input 'f32[N,3,224,224]' --to jax -o out/
        graft transpile my_model.py:Net --init 'num_classes=10' --input 'x=f32[N,3,224,224]' --to jax -o out/
        graft transpile bert.py:encoder --input 'ids=i64[N,T]:0..30522' --input 'mask=i64[N,T]' --to jax -o out/
        graft transpile demo.py:make_model --inputs demo.py:example_inputs --to jax -o out/
        graft transpile my_model.py:Net --input 'x=f32[N,8]' --with-gradient -o out/
        graft transpile utils.py:pairwise_distance --input 'f32[N,D]' --input 'f32[M,D]' --to jax -o out/

      Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the source uses something unsupported; 4 the result did not verify.
      """)

  @Argument(help: "What to convert: `path/file.py:name` or `package.module:name`.")
  var entry: String

  @Option(name: .customLong("to"), help: "The framework to write.")
  var target: TargetFramework = .jax

  @OptionGroup(title: "Source options")
  var program: EntryOptions

  @Option(help: "The name of the emitted function and of the files.")
  var name: String?

  @Option(name: [.customShort("o"), .long], help: "The folder to write to.", completion: .directory)
  var output = "out"

  @Flag(help: "Write loops over equal layers as scans over stacked weights.")
  var scan = false

  @Flag(help: "Write the gradient too, as NAME_and_gradient.py.")
  var withGradient = false

  @Flag(inversion: .prefixedNo, help: "Whether to run source and result and compare them.")
  var verify = true

  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false

  func run() async throws {
    if quiet { Progress.shared.beQuiet() }
    var options = program.options(
      entry: entry, to: target, output: URL(filePath: output, directoryHint: .isDirectory))
    options.name = name
    options.scan = scan
    options.withGradient = withGradient
    options.verify = verify
    do {
      let result = try await Transpiler().transpile(options, progress: Progress.shared.handler)
      Progress.shared.clear()
      if !quiet { for note in result.notes { Console.note("note: \(note)") } }
      try report(result)
    } catch let error where !(error is StatusError) {
      throw Problem(error)
    }
  }

  private func report(_ result: Transpiler.Result) throws {
    if json {
      Console.output(try JSONText.encode(result.manifest))
    } else {
      for file in result.files { Console.output(Self.shown(file)) }
      if let verification = result.manifest.verification {
        for line in VerificationTable(verification).summary { Console.output(line) }
      } else {
        Console.output("not verified")
      }
    }
    if let verification = result.manifest.verification, !verification.passed {
      for line in VerificationTable(verification).failure { Console.note(line) }
      throw StatusError(status: .notVerified)
    }
  }
}

extension TranspileCommand {
  /// A path as the user would type it: relative to the current folder if it lies within.
  fileprivate static func shown(_ file: URL) -> String {
    let path = file.path(percentEncoded: false)
    let folder = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
  }
}
