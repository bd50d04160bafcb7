"""Models of Hugging Face's transformers: small random ones, and MiniLM with its trained weights."""

import pathlib
import sys

import transformers as hf
from cases import CaseList

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "examples"))
import minilm

CASES = CaseList(globals(), factories=True)
IDS = "input_ids=i64[N,T]:0..50"
MASK = "attention_mask=i64[N,T]:1..2"
DECODER_IDS = "decoder_input_ids=i64[N,S]:0..50"


def padded(*lengths):
    """Token numbers, and a mask that ends each sequence after its length."""
    import torch

    longest = max(lengths)
    mask = torch.tensor([[int(t < n) for t in range(longest)] for n in lengths])
    return torch.randint(0, 50, mask.shape), mask


def masked_inputs():
    ids, mask = padded(7, 4)
    return {"input_ids": ids, "attention_mask": mask}


def encoder_decoder_inputs():
    import torch

    decoder_input_ids = torch.randint(0, 50, (2, 5))
    return {**masked_inputs(), "decoder_input_ids": decoder_input_ids}


NT = ("input_ids=N,T", "attention_mask=N,T")


@CASES.case(masked_inputs, dynamic=NT, vmap=True)
def bert_classification():
    config = hf.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=3,
    )
    return hf.BertForSequenceClassification(config)


@CASES.case(IDS, repeat=True)
def gpt2_lm():
    config = hf.GPT2Config(
        vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=64
    )
    return hf.GPT2LMHeadModel(config)


@CASES.case(IDS)
def llama():
    config = hf.LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=32,
    )
    return hf.LlamaForCausalLM(config)


@CASES.case(masked_inputs, dynamic=NT)
def mistral():
    """Attention in a sliding window, to what is not padding."""
    config = hf.MistralConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        intermediate_size=32,
        sliding_window=4,
    )
    return hf.MistralForCausalLM(config)


@CASES.case(encoder_decoder_inputs, dynamic=(*NT, "decoder_input_ids=N,S"))
def t5():
    config = hf.T5Config(
        vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2
    )
    return hf.T5ForConditionalGeneration(config)


@CASES.case("input_features=f32[N,8,40]", DECODER_IDS)
def whisper():
    config = hf.WhisperConfig(
        vocab_size=50,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=20,
        max_target_positions=30,
        num_mel_bins=8,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return hf.WhisperForConditionalGeneration(config)


@CASES.case("pixel_values=f32[N,3,32,32]")
def clip_vision():
    config = hf.CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    return hf.CLIPVisionModel(config)


@CASES.case("input_ids=i64[N,7]:0..50")
def mamba():
    config = hf.MambaConfig(
        vocab_size=50, hidden_size=16, state_size=4, num_hidden_layers=2
    )
    return hf.MambaForCausalLM(config)


CASES.add(
    "all_minilm_l6_v2",
    minilm.encoder,
    minilm.example_inputs,
    dynamic=NT,
    trained=True,
)


# Scans over stacked layers: with and without keys, over all layers and over all but the first.
CASES.add(
    "bert_scan",
    bert_classification,
    masked_inputs,
    dynamic=NT,
    vmap=True,
    scan=True,
    trained=True,
)
CASES.add("gpt2_scan", gpt2_lm, IDS, scan=True, trained=True, repeat=True)
CASES.add("llama_scan", llama, IDS, scan=True, trained=True)


@CASES.case(encoder_decoder_inputs, dynamic=(*NT, "decoder_input_ids=N,S"), scan=True)
def t5_scan():
    config = hf.T5Config(
        vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=4, num_heads=2
    )
    return hf.T5ForConditionalGeneration(config)
