import GraftIR
import GraftSyntax
import Testing

@testable import GraftJAX

private func doc(
  _ inputs: [(String, [[Dim]])], _ results: [(String, [[Dim]])], place: String = "torchvision/models/resnet.py:59"
) -> String {
  JAXDocstring(title: "Block", place: place, inputs: inputs, results: results, symbols: ["N", "T"]).text
}

@Suite struct DocstringTests {
  private let n = Dim.symbol("N")

  @Test func sizesThatDifferBetweenInstancesAreLetters() {
    let text = doc([("x", [[n, 64, 56, 56], [n, 128, 28, 28]])], [("", [[n, 64, 28, 28], [n, 256, 14, 14]])])
    #expect(text == "Block of x [N, C, H, W] -> [N, D, H2, W2] (torchvision/models/resnet.py:59).")
  }

  @Test func sizesThatAreEqualStay() {
    let text = doc([("x", [[n, 64, 8], [n, 64, 8]])], [("", [[n, 10], [n, 12]])])
    #expect(text == "Block of x [N, 64, 8] -> [N, D] (torchvision/models/resnet.py:59).")
  }

  @Test func equalSizesHaveTheSameLetterAndSymbolsKeepTheirs() {
    let shapes: [[Dim]] = [[n, 7, 16], [n, 9, 32]]
    let text = doc([("x", shapes), ("y", shapes)], [("logits", [[n, 16], [n, 32]])])
    #expect(text == "Block of x [N, S, D], y [N, S, D] -> logits [N, D] (torchvision/models/resnet.py:59).")
  }

  @Test func whatDoesNotFitIsShortened() {
    let shape: [[Dim]] = [[n, 197, 768]]
    let place = "torchvision/models/vision_transformer.py:122"
    #expect(
      doc([("hidden_states", shape)], [("", shape)], place: place) == "Block of hidden_states [N, 197, 768] (\(place))."
    )
    let many = (1...6).map { ("input_\($0)", shape) }
    let lines = doc(many, [("", shape)], place: place).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.prefix(3) == [
        "Block (\(place)).", "",
        "Of input_1 [N, 197, 768], input_2 [N, 197, 768], input_3 [N, 197, 768], input_4 [N, 197,",
      ])
    #expect(lines.allSatisfy { $0.count <= 90 })
  }

  @Test func theModuleShowsHowItIsCalled() {
    func text(_ parameters: PythonParameters, returns: PythonExpression? = nil) -> String {
      JAXModuleDocstring(
        title: "Net", source: "PyTorch 2.13 (net.py:Net)", weightsFile: "net.safetensors",
        function: PythonFunction("net", parameters, returns: returns, body: []), outputs: ["logits"]
      ).text
    }
    let (params, state, x) = (PythonParameter("params"), PythonParameter("state"), PythonParameter("x"))
    let train = PythonParameter("train", default: false)
    #expect(
      text(
        PythonParameters(
          [params, state, x], keywordOnly: [PythonParameter("rng", default: PythonExpression.none), train]),
        returns: PythonExpression.name("tuple")["Array", "dict"]) == """
          Net in JAX, converted from PyTorch 2.13 (net.py:Net).

          params, state = load_params("net.safetensors")
          logits, _ = net(params, state, x)
          logits, state = net(params, state, x, rng=jax.random.key(0), train=True)

          """)
    #expect(text(PythonParameters([params, state, x])).hasSuffix("logits = jax.jit(net)(params, state, x)\n"))
    #expect(
      text(PythonParameters([params, x])).hasSuffix("logits = net(params, x)\nlogits = jax.jit(net)(params, x)\n"))
    #expect(
      text(PythonParameters([x], keywordOnly: [PythonParameter("rng")]))
        == """
        Net in JAX, converted from PyTorch 2.13 (net.py:Net).

        logits = net(x, rng=jax.random.key(0))
        logits = jax.jit(net)(x, rng=jax.random.key(0))

        """)
  }
}
