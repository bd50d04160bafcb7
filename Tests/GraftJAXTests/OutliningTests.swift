import GraftIR
import GraftOps
import Testing

@testable import GraftJAX

@Suite struct OutliningTests {
  @Test func instancesOfAClassAreOneFunctionCalledInALoop() throws {
    let text = try Model(blocks: 3).emitted { try scaled($0, $1, $2, $3, by: 0.5) }
    #expect(
      text == """
        def block(params: dict, x: Array) -> Array:
            h = jnp.tanh(x * params["scale"])
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

  @Test func inputsHaveTheNamesThatTheyArePassedBy() throws {
    let text = try Model(blocks: 3).emitted(forward: ["hidden", "mask"]) { b, block, x, weight in
      x.asValue.map { b.function.passedNames.record(.init(module: "blocks.\(block)", name: "mask", value: $0)) }
      return try scaled(b, block, x, weight, by: 0.5)
    }
    #expect(text.contains("def block(params: dict, mask: Array) -> Array:"))
    #expect(text.contains("return mask + h * 0.5"))
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
    #expect(text.contains("def first_block(") && text.contains("def block("))
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

  @Test func aSmallLayerThatTheModelHasManyOfIsAFunction() throws {
    func text(_ count: Int) throws -> String {
      try Model(blocks: count, weights: ["scale", "shift"]).emitted(forward: ["x"]) { b, block, x, _ in
        b.origin = Model.origin(block: block, line: 11, "return x * self.scale + self.shift")
        let path = "blocks.\(block)."
        let own = b.function.arguments.filter { $0.path?.hasPrefix(path) == true }.map(\.value)
        return try b(.add, try b(.multiply, x, .value(own[0])), .value(own[1]))
      }
    }
    #expect(try text(3).contains("def block(params: dict, x: Array) -> Array:\n    return x * params[\"scale\"]"))
    #expect(try !text(2).contains("def block("))
  }

  @Test func whatASmallModuleReturnsIsNamedByItsCaller() throws {
    func line(_ number: Int, _ text: String) -> GraftIR.SourceLocation {
      GraftIR.SourceLocation(file: "net.py", line: number, function: "forward", text: text)
    }
    let text = try Model(blocks: 1).emitted { b, _, x, weight in
      b.origin = Origin(
        modules: [ModuleCall(path: "act", className: "net.Act")],
        frames: [line(30, "activated = self.act(x)"), line(11, "y = torch.exp(x)")], node: "exp")
      let y = try b(.exp, x)
      y.asValue.map { b.function.setHint("y", of: $0) }
      b.origin = Origin(frames: [line(31, "return activated * self.scale + activated")], node: "sum")
      return try b(.add, try b(.multiply, y, weight), y)
    }
    #expect(text.contains("activated = jnp.exp(x)"))
  }
}
