import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

/// A function of `f32[N,4]` inputs written as its body's text; `n` inputs are called `%x`, `%y`, `%z`.
func program(
  _ body: String, inputs count: Int = 2, type: String = "f32[N,4]", arguments: String = "", outputs: String = "#0"
) throws -> Function {
  let names = ["x", "y", "z"].prefix(count)
  let leaves = names.enumerated().map { "%\($1): \(type) = input #\($0)" }.joined(separator: "\n")
  let tree = names.enumerated().map { "\"\($1)\": #\($0)" }.joined(separator: ", ")
  let function = try IRParser.parse(
    """
    function f symbols { N: 1...64 }
    arguments { \(leaves) \(arguments) }
    inputs {\(tree)} names [\(names.map { "\"\($0)\"" }.joined(separator: ", "))] outputs \(outputs)
    body { \(body) }
    """)
  try OpCatalogue.verify(function)
  return function
}

/// The body of the function as text, values named by their hints where these are unique enough to read.
func body(_ function: Function) -> String {
  let text = function.normalised().description
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  guard let start = lines.firstIndex(of: "body {"), let end = lines.lastIndex(of: "}") else { return text }
  return lines[(start + 1)..<end].map { String($0.dropFirst(2)) }.joined(separator: "\n")
}

/// Runs passes with verification and compares the body's text after dead code is gone.
func expect(
  _ function: Function, after passes: any Pass..., becomes expected: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let pipeline = PassPipeline("test", passes + [EliminateDeadCode()], verifies: true)
  let found = body(try pipeline.run(function))
  #expect(found == expected, "\(found)", sourceLocation: sourceLocation)
}
