import GraftEmit
import GraftIR
import GraftOps
import GraftSyntax
import Testing

@testable import GraftJAX

@Suite struct ScanTests {
  /// The text from `def net` on, without docstrings and empty lines.
  private func main(_ module: JAXModuleWriter.Module) throws -> String {
    let start = try #require(module.text.firstRange(of: "def net("))
    let end = try #require(module.text.firstRange(of: module.stacks.isEmpty ? "def load_params" : "def _load_tree"))
    let lines = module.text[start.lowerBound..<end.lowerBound].split(separator: "\n")
    return lines.filter { !$0.contains("\"\"\"") }.joined(separator: "\n")
  }

  @Test func aLoopOverEqualLayersIsAScanOverTheirStack() throws {
    let module = try Model(blocks: 3).scanned { try scaled($0, $1, $2, $3, by: 0.5) }
    #expect(
      try main(module) == """
        def net(params: dict, x: Array) -> Array:
            def body(x, layer):
                return block(layer, x), None
            x, _ = lax.scan(body, x, params["blocks"])
            return x
        def load_params(path: str) -> dict:
            params = _load_tree(path)
            params["blocks"] = _stack(params["blocks"])
            return params
        """)
    #expect(module.notes.isEmpty)
    let stack = try #require(module.stacks.first)
    #expect(module.stacks.count == 1 && stack.path == "blocks" && stack.position == nil)
    #expect(stack.members == ["0", "1", "2"])
    #expect(module.text.contains("from jax import Array, lax"))
  }

  @Test func callsThatDifferInConstantsStayALoop() throws {
    let module = try Model(blocks: 3).scanned { try scaled($0, $1, $2, $3, by: $1 == 0 ? 0.25 : 0.5) }
    #expect(module.stacks.isEmpty)
    #expect(try main(module).contains("for index, layer in enumerate(params[\"blocks\"]):"))
    #expect(
      module.notes == [
        "net: the loop over enumerate(params[\"blocks\"]) stays a loop: the calls differ in more than parameters"
      ])
  }

  @Test func parametersOfOtherTypesStayAList() throws {
    let module = try Model(blocks: 3, dtypes: [.float32, .float16, .float32]).scanned {
      try scaled($0, $1, $2, try $0(.cast, $3, attributes: ["dtype": .dtype(.float32)]), by: 0.5)
    }
    #expect(module.stacks.isEmpty)
    #expect(!module.text.contains("lax.scan"))
  }

  @Test func parametersThatAreReadElsewhereStayAList() throws {
    var first: Operand?
    let module = try Model(blocks: 3).scanned { b, number, x, weight in
      first = first ?? weight
      let out = try scaled(b, number, x, weight, by: 0.5)
      guard number == 2, let first else { return out }
      b.origin = Origin(frames: [SourceLocation(file: "net.py", line: 31, function: "forward", text: "return x * w")])
      return try b(.multiply, out, first)
    }
    #expect(module.stacks.isEmpty)
    #expect(module.notes.first?.hasSuffix("the parameters are also read elsewhere") == true)
    #expect(try main(module).contains("for layer in params[\"blocks\"]:"))
  }

  @Test func stacksAreWrittenFromTheInsideOut() {
    let tree = ParameterTree(paths: (0..<2).flatMap { stage in (0..<3).map { "stages.\(stage).blocks.\($0).w" } })
    let stacks =
      [ParameterStack(path: "stages", numbers: 0..<2, isWhole: true)]
      + (0..<2).map { ParameterStack(path: "stages.\($0).blocks", numbers: 1..<3, isWhole: false) }
    let statements = PythonRenderer().render(stacks.statements(tree), indentation: 0)
    #expect(
      statements == """
        params["stages"][0]["blocks"][1:] = [_stack(params["stages"][0]["blocks"][1:])]
        params["stages"][1]["blocks"][1:] = [_stack(params["stages"][1]["blocks"][1:])]
        params["stages"] = _stack(params["stages"])

        """)
  }

  @Test func membersOfADictAreFoundByTheirNumbers() {
    var stack = ParameterStack(path: "layers", numbers: 0..<2, isWhole: true)
    stack.prefix = "layer_"
    let tree = ParameterTree(paths: ["layers.layer_0.w", "layers.layer_1.w"])
    let text = PythonRenderer().render([stack].statements(tree), indentation: 0)
    #expect(text == "params[\"layers\"] = _stack([params[\"layers\"][f\"layer_{i}\"] for i in range(2)])\n")
    #expect(stack.isRead(by: "layers.layer_1.w") && stack.isRead(by: "layers"))
    #expect(!stack.isRead(by: "layers.layer_10.w"))
    #expect(stack.contains("layers.layer_0") && !stack.contains("layers"))
    let type = TensorType(.float32, [4])
    #expect(stack.isUniform(["layers.layer_0.w": type, "layers.layer_1.w": type]))
    #expect(!stack.isUniform(["layers.layer_0.w": type, "layers.layer_1.w": TensorType(.float32, [5])]))
    #expect(!stack.isUniform(["layers.layer_0.w": type, "layers.layer_1.v": type]))
    #expect(!stack.isUniform(["layers.layer_0.w": type, "layers.layer_1.w": type, "layers.scale": type]))
  }
}
