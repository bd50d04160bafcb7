import GraftEmit
import GraftIR
import GraftOps
import Testing

@testable import GraftJAX

/// Builds a function of one input `x` of float32[N,4] and emits its body.
private func emitted(_ build: (GraphBuilder, Operand) throws -> [Operand]) throws -> String {
  var function = Function(name: "f")
  let x = function.makeValue(TensorType(.float32, [.symbol("N"), 4]), hint: "x")
  function.arguments = [Argument(.input(leaf: 0), x)]
  function.inputs = .dict([Tree.Field("x", .leaf(0))])
  function.inputNames = ["x"]
  let builder = GraphBuilder(function)
  let results = try build(builder, .value(x))
  builder.function.outputs = results.count == 1 ? .leaf(0) : .tuple(results.indices.map { .leaf($0) })
  let text = try JAXModuleWriter(
    builder.finished(results: results),
    provenance: .init(source: "a test", origin: "test.py:1", weightsFile: "f.safetensors")
  ).write().text
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  let start = try #require(lines.firstIndex { $0.hasPrefix("def f(") })
  return lines[(start + 2)...].prefix { $0.hasPrefix("    ") }.joined(separator: "\n")
}

/// Where an operation came from: the n-th line of a file.
private func line(_ number: Int, _ text: String) -> Origin {
  Origin(frames: [SourceLocation(file: "m.py", line: number, text: text)], node: "n\(number)")
}

@Suite struct EmissionTests {
  @Test func foldsValuesOfOneStatement() throws {
    let text = try emitted { b, x in
      b.origin = line(1, "return (x * 2).exp() + 1")
      return [try b(.add, try b(.exp, try b(.multiply, x, .float(2))), .int(1))]
    }
    #expect(text == "    return jnp.exp(x * 2) + 1")
  }

  @Test func keepsTheVariablesOfOtherStatements() throws {
    let text = try emitted { b, x in
      b.origin = line(1, "h = x * 2")
      let h = try b(.multiply, x, .float(2))
      h.asValue.map { b.function.setHint("h", of: $0) }
      b.origin = line(2, "return h.exp()")
      return [try b(.exp, h)]
    }
    #expect(text == "    h = x * 2\n    return jnp.exp(h)")
  }

  @Test func usesANameAgainWhenItsValueIsNoLongerNeeded() throws {
    let text = try emitted { b, x in
      var h = x
      for number in 1...3 {
        b.origin = line(number, "h = h.exp()")
        h = try b(.exp, h)
        h.asValue.map { b.function.setHint("h", of: $0) }
      }
      b.origin = line(9, "return h + x")
      return [try b(.add, h, x)]
    }
    #expect(text == "    h = jnp.exp(jnp.exp(x))\n    h = jnp.exp(h)\n    return h + x")
  }

  @Test func aSizeThatIsReadOnceIsReadInPlace() throws {
    let text = try emitted { b, x in
      b.origin = line(1, "positions = torch.arange(len(x))")
      let positions = try b(.arange, attributes: ["count": .dim(.symbol("N")), "dtype": .dtype(.float32)])
      b.origin = line(1, "positions = torch.arange(len(x))")
      positions.asValue.map { b.function.setHint("positions", of: $0) }
      b.origin = line(2, "return x * positions[:, None]")
      let column = try b(.reshape, positions, attributes: ["shape": .dims([.symbol("N"), 1])])
      return [try b(.multiply, x, column)]
    }
    #expect(text.hasPrefix("    positions = jnp.arange(x.shape[0]"))
  }

  @Test func mergedAndSplitLastAxesFollowFromTheRest() throws {
    let text = try emitted { b, x in
      b.origin = line(1, "h = x.view(-1, 2, 2)")
      let h = try b(.reshape, x, attributes: ["shape": .dims([.symbol("N"), 2, 2])])
      h.asValue.map { b.function.setHint("h", of: $0) }
      b.origin = line(2, "return h.exp().view(-1, 4), h")
      return [try b(.reshape, try b(.exp, h), attributes: ["shape": .dims([.symbol("N"), 4])]), h]
    }
    #expect(text.contains("h = x.reshape(n, 2, -1)"))
    #expect(text.contains("jnp.exp(h).reshape(n, -1)"))
  }

  @Test func readsDynamicSizesFromTheInput() throws {
    let text = try emitted { b, x in
      b.origin = line(1, "return x.reshape(-1, 2)")
      return [try b(.reshape, x, attributes: ["shape": .dims([.symbol("N") * 2, 2])])]
    }
    #expect(text == "    return x.reshape(-1, 2)" || text.contains("n = x.shape[0]"))
  }

  @Test func everyOpOfTheCatalogueCanBeWritten() throws {
    let target = JAXTarget()
    let missing = OpCatalogue.all.filter { !target.canWrite($0) && $0.decomposition == nil }.map(\.name)
    #expect(missing.isEmpty, "neither spelled, ruled nor decomposed: \(missing)")
  }
}
