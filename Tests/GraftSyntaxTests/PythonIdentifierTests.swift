import Testing

@testable import GraftSyntax

@Suite struct PythonIdentifierTests {
  @Test func validity() {
    for name in ["x", "_x", "x1", "Net", "match"] { #expect(PythonIdentifier.isValid(name)) }
    for name in ["", "1x", "x-y", "lambda", "None", "a b", "é", "x\n"] { #expect(!PythonIdentifier.isValid(name)) }
  }

  @Test(arguments: [
    ("fc1.weight", "fc1_weight"), ("HTTPServer2", "http_server2"), ("BasicBlock", "basic_block"),
    ("GPT2Model", "gpt2_model"),
    ("input", "input_"), ("lambda", "lambda_"), ("0", "_0"), ("", "value"), ("--", "value"), ("_private", "_private"),
    ("x y\nz", "x_y_z"), ("naïve", "na_ve"), ("conv2d", "conv2d"), ("self.layers.0.attn", "self_layers_0_attn"),
  ])
  func snakeCase(text: String, expected: String) {
    #expect(PythonIdentifier.snakeCase(text) == expected)
    #expect(PythonIdentifier.isValid(PythonIdentifier.snakeCase(text)))
  }

  @Test(arguments: [
    ("basic_block", "BasicBlock"), ("GPT2Model", "GPT2Model"), ("none", "None_"), ("2d", "_2d"), ("", "Value"),
    ("exception", "Exception_"),
  ])
  func pascalCase(text: String, expected: String) {
    #expect(PythonIdentifier.pascalCase(text) == expected)
    #expect(PythonIdentifier.isValid(PythonIdentifier.pascalCase(text)))
  }

  @Test func uniqueNamesCountUp() {
    #expect(PythonIdentifier.unique("x", avoiding: ["y"]) == "x")
    #expect(PythonIdentifier.unique("x", avoiding: ["x", "x_2"]) == "x_3")
    #expect(PythonIdentifier.unique("x1", avoiding: ["x1"]) == "x1_2")
    #expect(PythonIdentifier.unique("x_", avoiding: ["x_"]) == "x_2")
  }
}
