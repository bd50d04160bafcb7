import Testing

@testable import GraftJAX

@Suite struct LoaderTests {
  /// What the loader does between reading the tensors and the end of its file.
  private func written(_ parameters: [String], state: [String] = []) -> String {
    let source = JAXLoader(parameters: parameters, state: state).functions().map(\.source).joined(separator: "\n")
    let lines = source.split(separator: "\n")
    let start = lines.firstIndex { $0.hasPrefix("        node[leaf]") } ?? 0
    return lines[(start + 1)...].joined(separator: "\n")
  }

  @Test func aModelWithoutListsNeedsNone() {
    #expect(written(["fc.weight", "blocks.1.weight"]) == "    return params")
    let docstring = JAXLoader(parameters: ["fc.weight"], state: []).functions()[0].source
    #expect(docstring.contains("\"\"\"Parameters, nested as the modules are.\"\"\""))
  }

  @Test func oneListIsMadeWhereItIs() {
    #expect(
      written(["model.h.0.weight", "model.h.1.weight", "head.weight"]) == """
            layers = params["model"]["h"]
            params["model"]["h"] = [layers[str(i)] for i in range(len(layers))]
            return params
        """)
  }

  @Test func listsOfOneModuleAreMadeInALoop() {
    #expect(
      written(["downs.0.weight", "ups.0.weight"], state: ["inv_freq"]) == """
            for name in ("downs", "ups"):
                layers = tree["params"][name]
                tree["params"][name] = [layers[str(i)] for i in range(len(layers))]
            return tree.get("params", {}), tree.get("state", {})
        """)
  }

  @Test func nestedListsAreFound() {
    #expect(written(["layers.0.norms.0.weight"]).hasPrefix("    return _lists(params)\ndef _lists(node):"))
    #expect(written(["0.weight"]).hasPrefix("    return _lists(params)\n"))
    #expect(written(["layers.0.norms.0.weight"], state: ["mean"]).hasPrefix("    tree = _lists(tree)\n    return tree"))
  }
}
