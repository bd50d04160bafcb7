import GraftEmit
import GraftIR
import GraftOps
import Testing

@testable import GraftJAX

/// The calls of a small model: three blocks of one class in a list, each an elementwise layer with a weight.
private struct Model {
  var function = Function(name: "net")
  private(set) var weights: [Value] = []
  let x: Value

  init(blocks: Int) {
    let type = TensorType(.float32, [.symbol("N"), 4])
    x = function.makeValue(type, hint: "x")
    function.arguments = [Argument(.input(leaf: 0), x)]
    for index in 0..<blocks {
      let weight = function.makeValue(TensorType(.float32, [4]), hint: "weight")
      function.arguments.append(
        Argument(.parameter(path: "blocks.\(index).scale", trainable: true, aliases: []), weight))
      weights.append(weight)
    }
    function.inputs = .dict([Tree.Field("x", .leaf(0))])
    function.inputNames = ["x"]
  }

  static func origin(block: Int, line: Int, _ text: String) -> Origin {
    Origin(
      modules: [ModuleCall(path: "blocks.\(block)", className: "net.Block")],
      frames: [
        SourceLocation(file: "net.py", line: 30, function: "forward", text: "x = block(x)"),
        SourceLocation(file: "net.py", line: line, function: "forward", text: text),
      ], node: "b\(block)l\(line)")
  }

  /// The text of the functions when each block is written by `block`.
  func emitted(
    className: String = "net.Block", forward parameters: [String] = ["x"],
    _ block: (GraphBuilder, _ number: Int, _ x: Operand, _ weight: Operand) throws -> Operand
  ) throws -> String {
    let builder = GraphBuilder(function)
    var x = Operand.value(x)
    for (index, weight) in weights.enumerated() { x = try block(builder, index, x, .value(weight)) }
    builder.function.outputs = .leaf(0)
    var function = builder.finished(results: [x])
    for index in function.body.operations.indices {
      let modules = function.body.operations[index].origin.modules
      function.body.operations[index].origin.modules = modules.map { ModuleCall(path: $0.path, className: className) }
    }
    let text = try JAXModuleWriter(
      function,
      provenance: .init(
        source: "a test", origin: "net.py:20 Net", weightsFile: "net.safetensors",
        parameters: [className: parameters])
    ).write().text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = lines.firstIndex { $0.hasPrefix("def ") } ?? 0
    let end = lines.firstIndex { $0.hasPrefix("def load_params") } ?? lines.count
    return lines[start..<end].filter { !$0.isEmpty && !$0.contains("\"\"\"") }.joined(separator: "\n")
  }
}

private func scaled(_ b: GraphBuilder, _ block: Int, _ x: Operand, _ weight: Operand, by factor: Double) throws
  -> Operand
{
  b.origin = Model.origin(block: block, line: 11, "h = x * self.scale")
  let h = try b(.multiply, x, weight)
  h.asValue.map { b.function.setHint("h", of: $0) }
  b.origin = Model.origin(block: block, line: 12, "h = torch.tanh(h)")
  let tanh = try b(.tanh, h)
  tanh.asValue.map { b.function.setHint("h", of: $0) }
  b.origin = Model.origin(block: block, line: 13, "return x + \(factor) * h")
  return try b(.add, x, try b(.multiply, tanh, .float(factor)))
}

@Suite struct OutliningTests {
  @Test func instancesOfAClassAreOneFunctionCalledInALoop() throws {
    let text = try Model(blocks: 3).emitted { try scaled($0, $1, $2, $3, by: 0.5) }
    #expect(
      text == """
        def block(params: dict, x: Array) -> Array:
            h = x * params["scale"]
            h = jnp.tanh(h)
            return x + h * 0.5
        def net(params: dict, x: Array) -> Array:
            for layer in params["blocks"]:
                x = block(layer, x)
            return x
        """)
  }

  @Test func inputsAreNamedByTheParametersOfForward() throws {
    let text = try Model(blocks: 3).emitted(forward: ["hidden", "mask"]) { try scaled($0, $1, $2, $3, by: 0.5) }
    #expect(text.contains("def block(params: dict, hidden: Array) -> Array:"))
    #expect(text.contains("return hidden + h * 0.5"))
  }

  @Test func aValueThatTheNextOperationReadsNeedsNoNumberedName() throws {
    let text = try Model(blocks: 1).emitted { b, block, x, weight in
      b.origin = Model.origin(block: block, line: 11, "x = torch.tanh(x)")
      let tanh = try b(.tanh, x)
      tanh.asValue.map { b.function.setHint("x", of: $0) }
      b.origin = Model.origin(block: block, line: 12, "x = x * self.scale")
      let product = try b(.multiply, tanh, weight)
      product.asValue.map { b.function.setHint("x", of: $0) }
      b.origin = Model.origin(block: block, line: 13, "return residual + x")
      return try b(.add, x, product)
    }
    #expect(text.contains("return x + jnp.tanh(x) * params[\"scale\"]"))
    #expect(!text.contains("x_2"))
  }

  @Test func onlyHelpersInTheFileKeepTheirNames() throws {
    let text = try Model(blocks: 3).emitted(className: "net.Attention") { try scaled($0, $1, $2, $3, by: 0.5) }
    #expect(text.contains("def attention(params"))
  }

  @Test func constantsThatDifferAreKeywords() throws {
    let text = try Model(blocks: 3).emitted { try scaled($0, $1, $2, $3, by: $1 == 0 ? 0.25 : 0.5) }
    #expect(text.contains("def block(params: dict, x: Array, *, size: float = 0.5) -> Array:"))
    #expect(text.contains("for index, layer in enumerate(params[\"blocks\"]):"))
    #expect(text.contains("x = block(layer, x, size=0.25 if index == 0 else 0.5)"))
  }

  @Test func otherGraphsAreOtherFunctions() throws {
    let text = try Model(blocks: 2).emitted { b, block, x, weight in
      let out = try scaled(b, block, x, weight, by: 0.5)
      return block == 0 ? out : try b(.exp, out)
    }
    #expect(text.contains("def block(") && text.contains("def block_2("))
  }

  @Test func inputsThatAreReadAsAListAreOneList() throws {
    var features: [Operand] = []
    let text = try Model(blocks: 4).emitted(forward: ["features"]) { b, block, x, weight in
      if features.isEmpty { features = [x] }
      b.origin = Model.origin(block: block, line: 11, "x = torch.cat(features, 1)")
      let joined =
        features.count == 1 ? x : try b(.concat, .list(features.compactMap(\.asValue)), attributes: ["axis": .int(1)])
      joined.asValue.map { if features.count > 1 { b.function.setHint("x", of: $0) } }
      b.origin = Model.origin(block: block, line: 12, "x = x.sum(1, keepdim=True)")
      let sum = try b(.sum, joined, attributes: ["axes": .ints([1]), "keepdims": .bool(true)])
      b.origin = Model.origin(block: block, line: 13, "return torch.tanh(x) * self.scale")
      let out = try b(.multiply, try b(.tanh, sum), weight)
      features.append(out)
      return out
    }
    #expect(text.contains("def block(params: dict, features: list) -> Array:"))
    #expect(text.contains("jnp.concatenate(features, axis=-1)"))
    #expect(!text.contains("def block_2"))
  }

  @Test func aModuleThatCannotStandTogetherStaysInItsCaller() throws {
    let text = try Model(blocks: 1).emitted { b, block, x, weight in
      b.origin = Model.origin(block: block, line: 11, "h = x * self.scale")
      let h = try b(.multiply, try b(.tanh, x), weight)
      b.origin = Origin(frames: [SourceLocation(file: "net.py", line: 31, function: "forward", text: "y = h.exp()")])
      let outside = try b(.exp, h)
      b.origin = Model.origin(block: block, line: 12, "return h + y")
      return try b(.add, try b(.tanh, h), outside)
    }
    #expect(!text.contains("def block("))
    #expect(text.contains("def net("))
  }
}
