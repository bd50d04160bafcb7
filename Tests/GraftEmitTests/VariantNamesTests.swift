import Testing

@testable import GraftEmit

@Suite struct VariantNamesTests {
  private func names(_ base: String, _ variants: (paths: [String], parameters: [String])...) -> [String] {
    VariantNames.names(
      of: variants.map { VariantNames.Variant(paths: $0.paths, parameters: $0.parameters) }, base: base)
  }

  @Test func onlyOneFunctionHasItsClassesName() {
    #expect(names("block", (["layers.0"], ["weight"])) == ["block"])
  }

  @Test func aPartThatSomeHaveGoesBehind() {
    #expect(
      names(
        "basic_block", (["layer1.0", "layer2.1"], ["conv1.weight"]),
        (["layer2.0", "layer3.0"], ["conv1.weight", "downsample.0.weight"]))
        == ["basic_block", "basic_block_downsample"])
  }

  @Test func aPlaceGoesBefore() {
    #expect(names("stack", (["encoder"], ["w"]), (["decoder"], ["w"])) == ["encoder_stack", "decoder_stack"])
  }

  @Test func asManyWordsAsItTakes() {
    let bias = ["q.weight", "relative_attention_bias.weight"]
    #expect(
      names(
        "attention",
        (["encoder.block.0.layer.0.SelfAttention"], bias),
        (["encoder.block.1.layer.0.SelfAttention"], ["q.weight"]),
        (["decoder.block.0.layer.0.SelfAttention"], bias),
        (["decoder.block.0.layer.1.EncDecAttention", "decoder.block.1.layer.1.EncDecAttention"], ["q.weight"]),
        (["decoder.block.1.layer.0.SelfAttention"], ["q.weight"]))
        == [
          "encoder_self_attention_relative_bias", "encoder_self_attention", "decoder_self_attention_relative_bias",
          "decoder_enc_dec_attention", "decoder_self_attention",
        ])
  }

  @Test func theFirstOfAList() {
    #expect(names("block", (["h.0"], ["w"]), (["h.1", "h.2"], ["w"])) == ["first_block", "block"])
  }

  @Test func whatNothingTellsApartIsAlike() {
    #expect(names("block", (["h.1"], ["w"]), (["h.2"], ["w"])) == ["block", "block"])
  }
}
