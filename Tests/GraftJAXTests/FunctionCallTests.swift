import GraftEmit
import GraftIR
import GraftOps
import Testing

@testable import GraftJAX

/// A plain function `main(x, y)` that calls functions of its own file.
private final class Source {
  let builder: GraphBuilder
  let (x, y): (Operand, Operand)
  private var frames: [GraftIR.SourceLocation] = []
  private var call: Int?

  init() {
    var function = Function(name: "main")
    let type = TensorType(.float32, [.symbol("N"), 4])
    let values = ["x", "y"].map { function.makeValue(type, hint: $0) }
    function.arguments = values.enumerated().map { Argument(.input(leaf: $0), $1) }
    function.inputs = .dict([Tree.Field("x", .leaf(0)), Tree.Field("y", .leaf(1))])
    function.inputNames = ["x", "y"]
    (x, y) = (.value(values[0]), .value(values[1]))
    builder = GraphBuilder(function)
  }

  /// What the statement of a line computes, named after the variable that it assigns.
  func line(_ number: Int, _ text: String, _ build: (GraphBuilder) throws -> Operand) rethrows -> Operand {
    frames.append(GraftIR.SourceLocation(file: "m.py", line: number, text: text))
    defer { frames.removeLast() }
    builder.origin = Origin(frames: frames, call: call, node: "n\(number)")
    let result = try build(builder)
    let name = text.split(separator: " ").first.map(String.init)
    if let value = result.asValue, name != "return", builder.function.info(value).hint == nil {
      builder.function.setHint(name, of: value)
    }
    return result
  }

  /// What a call in the present statement computes.
  func call(
    _ name: String, _ arguments: [(String, Operand)], returns: [String?] = [], _ build: () throws -> [Operand]
  ) rethrows -> [Operand] {
    let outer = call
    call = builder.function.calls.count
    defer { call = outer }
    builder.function.calls.append(
      FunctionCall(
        "m.\(name)", parent: outer, frames: frames.count,
        arguments: arguments.map { FunctionCall.Argument($0.0, $0.1) }, returns: returns))
    return try build()
  }

  func text(_ results: [Operand]) throws -> String {
    builder.function.outputs = results.count == 1 ? .leaf(0) : .tuple(results.indices.map { .leaf($0) })
    let text = try JAXModuleWriter(
      builder.finished(results: results),
      provenance: .init(
        source: "a test", origin: "m.py:1", weightsFile: "main.safetensors", places: ["m.squash": "m.py:10"])
    ).write().text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex { $0.hasPrefix("def ") })
    return lines[start...].filter { !$0.isEmpty && !$0.contains("\"\"\"") }.joined(separator: "\n")
  }
}

extension Source {
  /// `squash(v, slope)`: `h = v * slope`, `return h / (h.exp() + 1)`.
  fileprivate func squash(_ v: Operand, _ slope: Double) throws -> Operand {
    try call("squash", [("v", v), ("slope", .float(slope))]) {
      let h = try line(11, "h = v * slope") { b in try b(.multiply, v, .float(slope)) }
      return [
        try line(12, "return h / (h.exp() + 1)") { b in try b(.divide, h, try b(.add, try b(.exp, h), .int(1))) }
      ]
    }[0]
  }
}

@Suite struct FunctionCallTests {
  @Test func aFunctionThatIsCalledTwiceIsOneFunction() throws {
    let source = Source()
    let a = try source.line(1, "a = squash(x, 2.0)") { _ in try source.squash(source.x, 2) }
    let b = try source.line(2, "b = squash(y, 3.0)") { _ in try source.squash(source.y, 3) }
    let sum = try source.line(3, "return a + b") { try $0(.add, a, b) }
    #expect(
      try source.text([sum]) == """
        def squash(v: Array, *, slope: float = 2) -> Array:
            h = v * slope
            return h / (jnp.exp(h) + 1)
        def main(x: Array, y: Array) -> Array:
            a = squash(x)
            b = squash(y, slope=3)
            return a + b
        """)
  }

  @Test func callsInOneStatementAreFoldedIntoIt() throws {
    let source = Source()
    let sum = try source.line(1, "return squash(x, 2.0) + squash(y, 2.0)") { b in
      let (left, right) = (try source.squash(source.x, 2), try source.squash(source.y, 2))
      let place = GraftIR.SourceLocation(file: "m.py", line: 1, text: "return squash(x, 2.0)")
      b.origin = Origin(frames: [place], node: "sum")
      return try b(.add, left, right)
    }
    #expect(try source.text([sum]).hasSuffix("    return squash(x) + squash(y)"))
  }

  @Test func aShortFunctionThatIsCalledOnceStaysInItsCaller() throws {
    let source = Source()
    let a = try source.line(1, "a = squash(x, 2.0)") { _ in try source.squash(source.x, 2) }
    let text = try source.text([try source.line(2, "return a + y") { try $0(.add, a, source.y) }])
    #expect(!text.contains("def squash"))
    #expect(text.contains("a = h / (jnp.exp(h) + 1)"))
  }

  @Test func aLongFunctionThatIsCalledOnceIsAFunction() throws {
    let source = Source()
    let out = try source.line(1, "return waves(y)") { _ in
      try source.call("waves", [("v", source.y)]) {
        var h = source.y
        for number in 11...13 {
          h = try source.line(number, "h\(number) = h.sin() + x") { b in
            try b(.add, try b(.sin, h), source.x)
          }
        }
        return [try source.line(14, "return h.exp() + h") { try $0(.add, try $0(.exp, h), h) }]
      }[0]
    }
    let text = try source.text([out])
    #expect(text.contains("def waves(v: Array, x: Array) -> Array:"))
    #expect(text.hasSuffix("    return waves(y, x)"))
  }

  @Test func aTupleIsReturnedInTheSourcesOrder() throws {
    let source = Source()
    func range(_ v: Operand) throws -> [Operand] {
      try source.call("range_of", [("v", v)], returns: ["high", "low"]) {
        let low = try source.line(11, "low = v.sin() - 1") { try $0(.subtract, try $0(.sin, v), .int(1)) }
        let high = try source.line(12, "high = v.exp() + 1") { try $0(.add, try $0(.exp, v), .int(1)) }
        return [high, low]
      }
    }
    var results: [Operand] = []
    for (number, operand) in [(1, source.x), (2, source.y)] {
      _ = try source.line(number, "high, low = range_of(v)") { _ in
        results += try range(operand)
        return .int(0)
      }
    }
    let text = try source.text(results)
    #expect(text.contains("def range_of(v: Array) -> tuple[Array, Array]:"))
    #expect(text.contains("return high, low") && text.contains("high, low = range_of(x)"))
  }

  @Test func aFunctionIsNotCalledLikeAVariableOfItsCaller() {
    func name(_ function: String, _ variables: Set<String>) -> String {
      ModuleFunctionNames.functionName(function, avoiding: variables)
    }
    #expect(name("m.area", ["x"]) == "area")
    #expect(name("m.area", ["area"]) == "m_area")
    #expect(name("m.Net._attend", []) == "attend")
    #expect(name("m.Net._attend", ["attend"]) == "net_attend")
  }
}
