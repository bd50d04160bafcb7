import Foundation
import GraftIR
import GraftOps
import Testing

@testable import GraftTrace

/// A document around one graph: two inputs `x` and `y` of float32[N,4].
func document(
  nodes: String, outputs: String, mutations: String = "", results: String = "[]", passed: String = ""
) throws -> TraceDocument {
  let leaf = #"{"name": "NAME", "dtype": "float32", "shape": [{"sym": "N"}, 4]}"#
  func named(_ name: String) -> String { leaf.replacingOccurrences(of: "NAME", with: name) }
  let json = """
    {"format": "graft.trace", "version": 1, "framework": {"name": "torch", "version": "2.13.0", "libraries": {}},
     "entry": {"entry": "m.py:f", "name": "f", "kind": "function", "class": null, "file": "m.py", "line": 1, "doc": null},
     "symbols": [{"name": "N", "min": 1, "max": null, "sizes": [2, 3]}], "modules": [], "parameters": [],
     "buffers": [], "constants": [], "inputs": {"dict": [["x", {"leaf": 0}], ["y", {"leaf": 1}]]},
     "outputs": {"leaf": 0}, "input_leaves": [\(named("x")), \(named("y"))], "output_leaves": [],
     "graphs": {"both": {"placeholders": [
        {"name": "x", "kind": "input", "target": 0, "dtype": "float32", "shape": [{"sym": "N"}, 4]},
        {"name": "y", "kind": "input", "target": 1, "dtype": "float32", "shape": [{"sym": "N"}, 4]}],
       "nodes": [\(nodes)], "outputs": [\(outputs)], "mutations": [\(mutations)], "passed": [\(passed)]}}}
    """
  return try JSONDecoder().decode(TraceDocument.self, from: Data(json.utf8))
}

func node(_ name: String, _ op: String, _ args: String, dtype: String = "float32", line: Int = 1) -> String {
  """
  {"name": "\(name)", "op": "\(op)", "args": {\(args)}, "results": [{"dtype": "\(dtype)", "shape": [{"sym": "N"}, 4]}],
   "path": "", "call": 0, "class": null, "stack": [], "frames": [["/home/me/m.py", \(line), "f", "h = op()"]]}
  """
}

private let x = #"{"ref": "x", "index": 0}"#
private let y = #"{"ref": "y", "index": 0}"#

private let vocabulary = ImportVocabulary(framework: .aten, prefix: "aten.", rules: [:])

private func imported(_ document: TraceDocument) throws -> Function {
  let graph = try #require(document.graphs.both)
  return try TraceImporter(document, vocabulary: vocabulary).function(graph)
}

@Suite struct TraceImporterTests {
  @Test func importsThroughTheCataloguesSpellings() throws {
    let function = try imported(
      document(nodes: node("h", "aten.exp.default", "\"self\": \(x)"), outputs: #"{"ref": "h", "index": 0}"#))
    try OpCatalogue.verify(function)
    #expect(function.body.operations.map(\.name) == ["exp"])
    let result = try #require(function.body.results.first?.asValue)
    #expect(function.type(of: result) == TensorType(.float32, [.symbol("N"), 4]))
    #expect(function.info(result).hint == "h")
  }

  @Test func knowsWhatModulesCallTheirArguments() throws {
    let h = #"{"ref": "h", "index": 0}"#
    let function = try imported(
      document(
        nodes: node("h", "aten.exp.default", "\"self\": \(x)"), outputs: h,
        passed: #"["up", "skip", \#(x)], ["up", "x", \#(h)], ["down", "a", \#(y)], ["down", "b", \#(y)]"#))
    let (first, second) = (function.arguments[0].value, function.arguments[1].value)
    let result = try #require(function.body.results.first?.asValue)
    #expect(function.passedNames.name(of: first, in: "up") == "skip")
    #expect(function.passedNames.name(of: result, in: "up") == "x")
    #expect(function.passedNames.name(of: first, in: "down") == nil)
    // One tensor for two parameters has neither's name.
    #expect(function.passedNames.name(of: second, in: "down") == nil)
  }

  @Test func listsEverythingThatIsMissingOnce() throws {
    let nodes = [
      node("a", "aten.nothing.default", "\"self\": \(x)", line: 3),
      node("b", "aten.nothing.default", "\"self\": \(y)", line: 4),
      node("c", "aten.nowhere.default", "\"self\": \(x)", line: 5),
      node("d", "aten.exp.default", #""self": {"ref": "a", "index": 0}"#, line: 6),
    ]
    let document = try document(nodes: nodes.joined(separator: ","), outputs: #"{"ref": "d", "index": 0}"#)
    let diagnostic = try #require(throws: Diagnostic.self) { try imported(document) }
    #expect(diagnostic.code == .unsupported)
    #expect(diagnostic.notes.count == 2)
    #expect(diagnostic.notes[0].contains("aten.nothing.default") && diagnostic.notes[0].contains("(2 times)"))
    #expect(diagnostic.notes[0].contains("/home/me/m.py:3"))
    #expect(diagnostic.notes[1].contains("aten.nowhere.default"))
  }

  @Test func refusesAnArgumentThatTheSpellingDoesNotRead() throws {
    let document = try document(
      nodes: node("h", "aten.exp.default", "\"self\": \(x), \"surprise\": 3"), outputs: #"{"ref": "h", "index": 0}"#)
    let diagnostic = try #require(throws: Diagnostic.self) { try imported(document) }
    #expect(diagnostic.notes.first?.contains("surprise") == true)
  }

  @Test func refusesAResultOfAnotherShape() throws {
    let wrong = node("h", "aten.exp.default", "\"self\": \(x)").replacingOccurrences(of: "}, 4]}]", with: "}, 5]}]")
    let document = try document(nodes: wrong, outputs: #"{"ref": "h", "index": 0}"#)
    let diagnostic = try #require(throws: Diagnostic.self) { try imported(document) }
    #expect(diagnostic.notes.first?.contains("f32[N,5]") == true)
  }

  @Test func refusesChangedInputs() throws {
    let document = try document(nodes: "", outputs: x, mutations: #"{"input": 0, "value": \#(y)}"#)
    let diagnostic = try #require(throws: Diagnostic.self) { try imported(document) }
    #expect(diagnostic.remedy?.contains("clone") == true)
  }

  @Test func refusesAnotherVersionOfTheDocument() {
    let json = Data(#"{"format": "graft.trace", "version": 2}"#.utf8)
    #expect(throws: Diagnostic.self) { try JSONDecoder().decode(TraceDocument.self, from: json) }
  }
}

@Suite struct TraceDimTests {
  @Test(arguments: [
    (#"{"floordiv": [{"add": [{"sym": "H"}, -1]}, 2]}"#, "((H + 1) // 2) - 1"),
    (#"{"mul": [2, {"sym": "N"}]}"#, "2 * N"),
    (#"{"ceildiv": [{"sym": "N"}, 2]}"#, "((N + 1) // 2)"), ("7", "7"),
    (#"{"max": [{"sym": "N"}, {"add": [{"sym": "N"}, 1]}]}"#, "N + 1"),
  ])
  func readsExpressions(json: String, text: String) throws {
    let dim = try JSONDecoder().decode(TraceDim.self, from: Data(json.utf8)).dim
    for n in 1...9 {
      #expect(dim.evaluate(["H": n, "N": n]) == expected(text, n), "\(dim) for \(n)")
    }
  }

  private func expected(_ text: String, _ n: Int) -> Int? {
    switch text {
    case "((H + 1) // 2) - 1": (n - 1) >> 1
    case "2 * N": 2 * n
    case "((N + 1) // 2)": (n + 1) / 2
    case "N + 1": n + 1
    default: Int(text)
    }
  }
}
