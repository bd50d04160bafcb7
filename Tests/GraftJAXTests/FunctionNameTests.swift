import Testing

@testable import GraftJAX

@Suite struct FunctionNameTests {
  private func names(
    _ classes: [String], main: String?, variables: Set<String> = [], taken: Set<String> = []
  ) -> [String] {
    let names = ModuleFunctionNames(classes: classes, main: main, variables: variables)
    return classes.map { names.name(of: $0, avoiding: taken) }
  }

  @Test func theWordsOfTheModelAreLeftOut() {
    #expect(
      names(["gpt2.GPT2Attention", "gpt2.GPT2MLP", "gpt2.GPT2Block", "utils.Conv1D"], main: "GPT2LMHeadModel")
        == ["attention", "mlp", "block", "conv1d"])
    #expect(
      names(["net.SwinTransformerBlock", "net.SwinTransformerLayer"], main: "SwinTransformer") == ["block", "layer"])
    #expect(names(["net._DenseBlock", "net._DenseLayer", "net._Transition"], main: "Net").last == "_transition")
  }

  @Test func fewClassesThatTheModelIsNotNamedAfterKeepTheirWords() {
    #expect(names(["net.BasicBlock", "net.BasicLayer"], main: "ResNet") == ["basic_block", "basic_layer"])
    #expect(names(["net.BertLayer", "net.BertOutput", "net.BertEncoder"], main: "Model")[0] == "layer")
    #expect(names(["net.EncoderBlock", "net.Encoder"], main: "VisionTransformer") == ["encoder_block", "encoder"])
  }

  @Test func whatIsLeftSaysWhatItIs() {
    #expect(
      names(["net.InceptionA", "net.InceptionB", "net.InceptionAux"], main: "Inception3")
        == ["inception_a", "inception_b", "inception_aux"])
  }

  @Test func namesThatMeanSomethingElseKeepTheirWords() {
    let classes = ["net.BertAttention", "net.BertOutput", "net.BertFilter", "net.BertLayer"]
    #expect(
      names(classes, main: "BertModel", variables: ["output"], taken: ["attention"])
        == ["bert_attention", "bert_output", "bert_filter", "layer"])
  }
}
