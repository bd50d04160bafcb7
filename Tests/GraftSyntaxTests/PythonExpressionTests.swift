import Testing

@testable import GraftSyntax

@Suite struct PythonExpressionTests {
  @Test(
    arguments: [
      (.path("jnp.exp"), "jnp.exp"),
      (.integer(-3), "-3"),
      (.integer(.min), "-9223372036854775807 - 1"),
      (.boolean(false), "False"),
      (.none, "None"),
      (.ellipsis, "..."),
      (.tuple([]), "()"),
      (.tuple(["x"]), "(x,)"),
      (.tuple(["x", "y"]), "(x, y)"),
      (.list(["x", .starred("y")]), "[x, *y]"),
      (.set([]), "set()"),
      (.set(["x"]), "{x}"),
      (.dictionary(stringKeys: [("a", "x")]), "{\"a\": x}"),
      (.dictionary([PythonDictionaryEntry(key: nil, value: "rest")]), "{**rest}"),
    ] as [(PythonExpression, String)])
  func atoms(expression: PythonExpression, expected: String) {
    #expect(expression.rendered == expected)
  }

  @Test(
    arguments: [
      (0.1, "0.1"), (1e-5, "1e-5"), (0.0001, "0.0001"), (1e16, "1e16"), (1e15, "1000000000000000.0"), (3, "3.0"),
      (-2.5, "-2.5"), (-0.0, "-0.0"), (1.5e300, "1.5e300"), (.leastNonzeroMagnitude, "5e-324"),
      (.greatestFiniteMagnitude, "1.7976931348623157e308"), (123456.789, "123456.789"), (.infinity, "float(\"inf\")"),
      (-.infinity, "-float(\"inf\")"), (.nan, "float(\"nan\")"), (1.2345e-7, "1.2345e-7"),
    ] as [(Double, String)])
  func floats(value: Double, expected: String) {
    #expect(PythonExpression.float(value).rendered == expected)
  }

  @Test(arguments: [
    ("plain", #""plain""#), ("it's", #""it's""#), (#"say "hi""#, #"'say "hi"'"#), (#"a ' and ""#, #""a ' and \"""#),
    ("back\\slash", #""back\\slash""#), ("line\nbreak\ttab\r", #""line\nbreak\ttab\r""#), ("\u{0}", #""\x00""#),
    ("\u{200B}", #""\u200b""#), ("\u{E0001}", #""\U000e0001""#), ("é漢🙂", #""é漢🙂""#),
  ])
  func strings(value: String, expected: String) {
    #expect(PythonExpression.string(value).rendered == expected)
  }

  @Test func formattedStrings() {
    func text(_ parts: PythonFormatPart...) -> String { PythonExpression.formattedString(parts).rendered }
    #expect(text(.text("layer_"), .value("i")) == "f\"layer_{i}\"")
    #expect(text(.value("i" + 1), .text("{a}\"\n")) == "f\"{i + 1}{{a}}\\\"\\n\"")
    #expect(text(.value(PythonExpression.name("x")[.string("a")])) == "f'{x[\"a\"]}'")
  }

  private let x: PythonExpression = "x"
  private let y: PythonExpression = "y"
  private let z: PythonExpression = "z"

  @Test func arithmeticPrecedence() {
    expect(x * (y + z), "x * (y + z)")
    expect(x * y + z, "x * y + z")
    expect(x - (y - z), "x - (y - z)")
    expect(-x.power(y), "-(x**y)")
    expect((-x).power(y), "(-x) ** y")
    expect(PythonExpression.integer(-1).power(x), "(-1) ** x")
    expect(x.power(.integer(-1)), "x**-1")
    expect(x.power(y.call(z)), "x ** y(z)")
    expect(x.attribute("T").matmul(y), "x.T @ y")
    expect((x + y).attribute("T"), "(x + y).T")
    expect(PythonExpression.integer(1).attribute("real"), "(1).real")
    expect(.parenthesized(x * y) + z, "(x * y) + z")
  }

  @Test func logicalPrecedence() {
    expect(!x.compared(.is, .none), "not x is None")
    expect(x.compared(.less, y).compared(.lessOrEqual, z), "x < y <= z")
    expect(x.and(y).or(z).and(x), "(x and y or z) and x")
    expect(x.conditional(if: y, else: z) + x, "(x if y else z) + x")
    expect(.logical(.and, []), "True")
    expect(.comparison(x, []), "x")
  }

  @Test func lambdas() {
    let parameters = PythonParameters([PythonParameter("x"), PythonParameter("y", default: 2)])
    expect(.lambda(parameters, x + y), "lambda x, y=2: x + y")
    expect(.call(.lambda(PythonParameters(), x), []), "(lambda: x)()")
  }

  private func expect(
    _ expression: PythonExpression, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(expression.rendered == text, sourceLocation: sourceLocation)
  }

  @Test(
    arguments: [
      (["x"], "a[x]"),
      ([.fullSlice, "i"], "a[:, i]"),
      ([.ellipsis, .none], "a[..., None]"),
      ([.slice("x", "y")], "a[x:y]"),
      ([.slice(.binary("x", .add, 1), nil)], "a[x + 1 :]"),
      ([.slice(nil, -1)], "a[:-1]"),
      ([.slice(nil, nil, step: 2)], "a[::2]"),
      ([.slice("x", .binary("y", .multiply, 2), step: 3)], "a[x : y * 2 : 3]"),
      ([.tuple([.slice(1, 2)])], "a[1:2,]"),
      ([.tuple([])], "a[()]"),
    ] as [([PythonExpression], String)])
  func subscripts(indices: [PythonExpression], expected: String) {
    let index = indices.count == 1 ? indices[0] : .tuple(indices)
    #expect(PythonExpression.subscript("a", index).rendered == expected)
  }

  @Test func calls() {
    let f: PythonExpression = "f"
    #expect(f.call().rendered == "f()")
    #expect(f.call("x", 1, keywords: [("axis", -1), ("keepdims", true)]).rendered == "f(x, 1, axis=-1, keepdims=True)")
    #expect(f.method("g", "x").method("h")["i"].rendered == "f.g(x).h()[i]")
    #expect(f.call(.starred("xs")).rendered == "f(*xs)")
    #expect(PythonExpression.call(f, [.unpackedKeywords("options")]).rendered == "f(**options)")
  }

  @Test func comprehensions() {
    let square = ("x" as PythonExpression).power(2)
    #expect(PythonExpression.listComprehension(square, for: "x", in: "xs").rendered == "[x**2 for x in xs]")
    #expect(
      PythonExpression.listComprehension("x", for: .tuple(["x", "y"]), in: "xs", if: ["y", "x"]).rendered
        == "[x for x, y in xs if y if x]")
    let generator = PythonExpression.generator("x", for: "x", in: "xs")
    #expect(("sum" as PythonExpression).call(generator).rendered == "sum(x for x in xs)")
    #expect(("sum" as PythonExpression).call(generator, 1).rendered == "sum((x for x in xs), 1)")
    let mapping = PythonComprehension(
      .dictionary(key: "k"), "v", for: [.init(target: .tuple(["k", "v"]), in: "items")])
    #expect(PythonExpression.comprehension(mapping).rendered == "{k: v for k, v in items}")
  }
}
