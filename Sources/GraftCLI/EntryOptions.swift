import ArgumentParser
import Foundation
import Graft

/// How an entry is called to trace it.
struct EntryOptions: ParsableArguments {
  @Option(name: .customLong("from"), help: "The framework that the source uses.")
  var source: SourceFramework = .torch

  @Option(name: .customLong("init"), help: "Keyword arguments for a class or factory, as Python: 'num_classes=10'.")
  var initArguments: String?

  @Option(
    name: .customLong("input"),
    help: "An example input, `[NAME=]DTYPE[DIMS][:LOW..HIGH]` or `NAME=LITERAL`; once for each argument.")
  var inputs: [String] = []

  @Option(name: .customLong("inputs"), help: "A function that returns example inputs: `path/file.py:function`.")
  var inputFactory: String?

  @Option(name: .customLong("dynamic"), help: "Dynamic dimensions of an input: 'input_ids=N,T'; repeatable.")
  var dynamic: [String] = []

  @Option(help: "Convert what a module does in inference and in training, or in inference alone.")
  var mode: ConversionMode = .both

  @Option(help: "The Python interpreter to use.", completion: .file())
  var python: String?

  func options(entry: String, to target: TargetFramework, output: URL) -> TranspileOptions {
    var options = TranspileOptions(entry: entry, to: target, output: output)
    options.initArguments = initArguments
    options.inputs = inputs
    options.inputFactory = inputFactory
    options.dynamic = dynamic
    options.mode = mode
    options.python = python
    return options
  }
}
