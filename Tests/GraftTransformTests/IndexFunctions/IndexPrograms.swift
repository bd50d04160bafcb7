import GraftIR
import GraftOps
import Testing

@testable import GraftTransform

/// A program over the dynamic sizes N, T and S, each at least 1, with `%mask: bool[N,T]`, `%bias: f32[T,T]`,
/// `%table: f32[64,4]`, and query, key and value `%q`, `%k`, `%v` of f32[N,2,T,4].
func indexProgram(_ body: String) throws -> Function {
  let inputs = [
    ("mask", "bool[N,T]"), ("bias", "f32[T,T]"), ("table", "f32[64,4]"), ("q", "f32[N,2,T,4]"), ("k", "f32[N,2,T,4]"),
    ("v", "f32[N,2,T,4]"),
  ]
  let leaves = inputs.enumerated().map { "%\($1.0): \($1.1) = input #\($0)" }.joined(separator: "\n")
  let tree = inputs.enumerated().map { "\"\($1.0)\": #\($0)" }.joined(separator: ", ")
  let names = inputs.map { "\"\($0.0)\"" }.joined(separator: ", ")
  let function = try IRParser.parse(
    """
    function f symbols { N: 1...64 T: 1...64 S: 1...64 }
    arguments { \(leaves) }
    inputs {\(tree)} names [\(names)] outputs #0
    body { \(body) }
    """)
  try OpCatalogue.verify(function)
  return function
}

/// What is known of the program's result.
func indexFunction(_ body: String) throws -> String? {
  let function = try indexProgram(body)
  let result = try #require(function.body.results.first?.asValue)
  return IndexFunctionAnalysis(function)[result]?.description
}

/// The body after the pass, constants folded and what is dead or double gone.
func raised(_ text: String) throws -> String {
  let pipeline = PassPipeline(
    "test", [RaiseIndexFunctions(), FoldConstants(), EliminateCommonSubexpressions(), EliminateDeadCode()],
    verifies: true)
  return body(try pipeline.run(indexProgram(text)))
}

/// `%i: i64[1,T]` and `%j: i64[T,1]`, the indices along the last axis and the one before.
let indices = """
  %line = arange {count = T, dtype = i64} : i64[T]
  %i = reshape(%line) {shape = [1, T]} : i64[1,T]
  %j = reshape(%line) {shape = [T, 1]} : i64[T,1]

  """
