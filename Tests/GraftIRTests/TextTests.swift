import Testing

@testable import GraftIR

@Suite struct TextTests {
  @Test func printsReadableText() throws {
    var f = Function(name: "block", summary: "torchvision/models/resnet.py:59 BasicBlock")
    f.symbols = [Symbol("N", minimum: 1, maximum: 64, sizes: [2, 3])]
    let x = f.makeValue(TensorType(.float32, [.symbol("N"), 3, 8, 8]), hint: "x")
    let weight = f.makeValue(TensorType(.float32, [4, 3, 3, 3]), hint: "weight")
    f.arguments = [
      Argument(.input(leaf: 0), x), Argument(.parameter(path: "conv.weight", trainable: true, aliases: []), weight),
    ]
    f.inputs = .dict([.init("x", .leaf(0))])
    f.inputNames = ["x"]
    f.outputs = .leaf(0)
    let unused = f.makeValue(TensorType(.float32))
    let out = f.makeValue(TensorType(.float32, [.symbol("N"), 4, 8, 8]), hint: "out")
    let scaled = f.makeValue(TensorType(.float32, [.symbol("N"), 4, 8, 8]))
    let chosen = f.makeValue(TensorType(.float32, [.symbol("N"), 4, 8, 8]))
    let origin = Origin(
      modules: [ModuleCall(path: "conv", className: "torch.nn.Conv2d")],
      frames: [SourceLocation(file: "a.py", line: 7, function: "forward", text: "out = self.conv(x)")],
      sourceOp: "aten.conv2d.default", node: "conv2d")
    f.body.operations = [
      Operation(
        "conv", [.value(x), .value(weight), .absent],
        attributes: ["stride": .ints([1, 1]), "eps": .float(1e-5), "dtype": .dtype(.float32)], results: [out],
        origin: origin),
      Operation(
        "mode", [], results: [chosen],
        regions: [
          Block(
            operations: [Operation("multiply", [.value(out), .float(2)], results: [scaled])], results: [.value(scaled)]),
          Block(results: [.value(out)]),
        ]),
    ]
    f.body.results = [.value(chosen)]
    #expect(unused.id == 2)
    #expect(
      IRPrinter().print(f) == """
        function block "torchvision/models/resnet.py:59 BasicBlock"
        symbols {
          N: 1...64 sizes [2, 3]
        }
        arguments {
          %x.0: f32[N,3,8,8] = input #0
          %weight.1: f32[4,3,3,3] = parameter "conv.weight" trainable
        }
        inputs {"x": #0} names ["x"]
        outputs #0
        body {
          %out.2 = conv(%x.0, %weight.1, absent) {stride = [1, 1], eps = 1e-05, dtype = f32} : f32[N,4,8,8] @ m0 l0 \
        "aten.conv2d.default" "conv2d"
          %3 = mode {
            %4 = multiply(%out.2, 2.0) : f32[N,4,8,8]
            return %4
          } {
            return %out.2
          } : f32[N,4,8,8]
          return %3
        }
        origins {
          file 0 "a.py"
          module 0 "conv" "torch.nn.Conv2d" 0
          line 0 0:7 "forward" "out = self.conv(x)"
        }

        """)
    #expect(try IRParser.parse(IRPrinter().print(f)) == f.normalised())
    #expect(!f.description.contains("origins"))
  }

  @Test(arguments: 0..<60) func randomFunctionsReadBackAsThemselves(seed: UInt64) throws {
    var functions = RandomFunctions(seed: seed)
    let function = functions.next()
    try function.verify()
    let text = IRPrinter().print(function)
    let parsed = try IRParser.parse(text)
    #expect(parsed == function, "seed \(seed)")
    #expect(IRPrinter().print(parsed) == text, "seed \(seed)")
    var bare = function
    bare.body.removeOrigins()
    (bare.passedNames, bare.calls) = (PassedNames(), [])
    #expect(try IRParser.parse(function.description) == bare, "seed \(seed)")
  }

  @Test func readsNotANumber() throws {
    let f = try IRParser.parse("function f inputs {} outputs #0 body { return nan }")
    guard case .scalar(.float(let value)) = f.body.results[0] else { throw f.unexpected }
    #expect(value.isNaN)
    #expect(IRPrinter().print(f).contains("return nan"))
  }

  @Test func readsHandWrittenNames() throws {
    let f = try IRParser.parse(
      """
      function f arguments { %x: f32[2] = input #0 } inputs {"x": #0} names ["x"] outputs #0
      body { %y = add(%x, 1) : float32[2] return %y }
      """)
    try f.verify()
    #expect(f.description.contains("%y.1 = add(%x.0, 1) : f32[2]"))
  }

  @Test(arguments: [
    ("", "1:1: expected `function`, found the end"),
    ("function f\ninputs {} outputs () body {\n  %1 = add(%0) : f32[] return }", "3:14: `%0` is not defined"),
    ("function f inputs {} outputs () body { %1 = a : f32[] %1 = a : f32[] return }", "`%1` is defined twice"),
    ("function f inputs {} outputs () body { a { %1 = b : f32[] return } c(%1) return }", "`%1` is not defined"),
    ("function f inputs {} outputs () body { a {x = 1, x = 2} return }", "attribute `x` is given twice"),
    ("function f inputs {} outputs () body { a {x = f32[2]{1.0}} return }", "1 elements do not fit the shape [2]"),
    ("function f inputs {} outputs () body { return 99999999999999999999 }", "99999999999999999999 is too large"),
    ("function f inputs {} outputs () body { return 1e999 }", "`1e999` is not a number"),
    ("function f inputs {} outputs () body { return \"a\" }", "expected an operand, found `\\\"`"),
    ("function \"f", "a string does not end"), ("function \"\\u{D800}\"", "`D800` is not a character's number"),
    ("function f arguments { %0: f99[] = key }", "expected a type"),
    ("function f arguments { %0: f32[true] = key }", "`true` cannot be a symbol"),
    ("function f arguments { %0: f32[] = friend }", "`friend` is not a role"),
    ("function f inputs {} outputs () body { a @ m3 return }", "there is no module 3 in the table of origins"),
    ("function f inputs {} outputs () body { return } origins { line 0 0:1 \"\" \"\" }", "there is no file 0"),
    ("function f inputs {} outputs () body { a @ c1 return } calls { 0 \"g\" 0 1 }", "there is no call 1"),
    ("function f inputs {} outputs () body { return } calls { 0 in 0 \"g\" 0 1 }", "there is no enclosing call 0"),
    ("function f inputs {} outputs () body { return } rest", "expected the end, found `r`"),
  ])
  func namesWhatIsWrong(text: String, message: String) {
    let diagnostic = #expect(throws: Diagnostic.self) { try IRParser.parse(text) }
    #expect(diagnostic?.code == .invalidPackage)
    #expect(diagnostic?.message.contains(message) == true, "\(diagnostic?.message ?? "")")
  }

  @Test(arguments: [
    String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000),
    "const " + String(repeating: "(", count: 100_000), "const " + String(repeating: "-", count: 100_000),
    "const " + String(repeating: "max(", count: 100_000),
    "const " + Array(repeating: "(A + B + C + D)", count: 200).joined(separator: " * "),
    "const " + Array(repeating: "max(A, B) * C", count: 400).joined(separator: " + "),
    "const [" + Array(repeating: "A + B + C + D", count: 20).joined(separator: ", ") + "]",
    "const " + String(repeating: "max((A * B + C) * (D + ", count: 20) + "E"
      + String(repeating: "), F // G)", count: 20),
  ])
  func refusesDeepAndLargeTrees(tree: String) {
    let diagnostic = #expect(throws: Diagnostic.self) { try IRParser.parse("function f inputs \(tree)") }
    #expect(diagnostic?.code == .invalidPackage)
  }

  @Test func refusesDeepRegions() {
    let text = "function f inputs {} outputs () body {" + String(repeating: "a {", count: 100_000)
    #expect(throws: Diagnostic.self) { try IRParser.parse(text) }
  }
}

extension Function {
  fileprivate var unexpected: Diagnostic { Diagnostic(.failed, description) }
}

extension Block {
  mutating func removeOrigins() {
    for index in operations.indices {
      operations[index].origin = .unknown
      for region in operations[index].regions.indices { operations[index].regions[region].removeOrigins() }
    }
  }
}
