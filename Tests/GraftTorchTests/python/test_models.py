"""Tests of trace() and run() on torchvision and transformers models, each with its dynamic dimensions."""

import importlib.util
import unittest

import torch
from support import TracerCase, flatten, from_bytes, module_of, ops

MODELS = """
import torch


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=64))


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=64))


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=32))


def t5():
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2))


def whisper():
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    return WhisperForConditionalGeneration(WhisperConfig(vocab_size=50, d_model=16, encoder_layers=2,
        decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_source_positions=20, max_target_positions=30, num_mel_bins=8, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1))


def clip():
    from transformers import CLIPVisionConfig, CLIPVisionModel

    return CLIPVisionModel(CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, image_size=32, patch_size=8))


def mamba():
    from transformers import MambaConfig, MambaForCausalLM

    return MambaForCausalLM(MambaConfig(vocab_size=50, hidden_size=16, state_size=4, num_hidden_layers=2))
"""
IDS = "input_ids=i64[N,T]:0..50"
MASK = "attention_mask=i64[N,T]:1..2"
DECODER = "decoder_input_ids=i64[N,S]:0..50"
TRANSFORMERS = (
    ("bert", (IDS, MASK)),
    ("gpt2", (IDS,)),
    ("llama", (IDS,)),
    ("t5", (IDS, MASK, DECODER)),
    ("whisper", ("input_features=f32[N,8,40]", DECODER)),
    ("clip", ("pixel_values=f32[N,3,32,32]",)),
    ("mamba", ("input_ids=i64[N,7]:0..50",)),
)
TORCHVISION = (
    ("resnet18", {"both"}, {"conv2d", "_native_batch_norm_legit_functional", "linear"}),
    ("mobilenet_v2", {"both"}, {"hardtanh", "native_dropout"}),
    ("efficientnet_b0", {"eval", "train"}, {"silu", "sigmoid"}),
    ("convnext_tiny", {"eval", "train"}, {"layer_norm", "gelu"}),
    ("vit_b_16", {"both"}, {"scaled_dot_product_attention"}),
    ("swin_t", {"eval", "train"}, {"roll", "softmax"}),
    ("densenet121", {"both"}, {"cat"}),
    ("segmentation.deeplabv3_resnet50", {"both"}, {"upsample_bilinear2d"}),
)


class ModelCase(TracerCase):
    source = MODELS

    def assert_run(self, document):
        """run() equals a direct call of the very module, on fresh inputs of the second sizes."""
        sizes = {s["name"]: s["sizes"][1] for s in document["symbols"]}
        inputs = []
        for leaf in document["input_leaves"]:
            shape = [
                sizes[d["sym"]] if isinstance(d, dict) else d for d in leaf["shape"]
            ]
            dtype = getattr(torch, leaf["dtype"])
            inputs.append(
                torch.randn(shape).to(dtype)
                if dtype.is_floating_point
                else torch.ones(shape, dtype=dtype)
            )
        reply, tensors = self.run_source(inputs)
        names = [leaf["name"] for leaf in document["input_leaves"]]
        with torch.no_grad():
            expected = module_of(self.request).eval()(**dict(zip(names, inputs)))
        leaves = []
        flatten(expected, leaves, [], "")
        self.assertEqual(len(leaves), len(document["output_leaves"]))
        for k, value in enumerate(leaves):
            given = from_bytes(tensors[f"output.{k}"], reply["outputs"][k])
            torch.testing.assert_close(given, value, equal_nan=True)


@unittest.skipUnless(
    importlib.util.find_spec("transformers"), "transformers is not installed"
)
class Transformers(ModelCase):
    def test_models(self):
        for name, specs in TRANSFORMERS:
            with self.subTest(name):
                document = self.trace(name, *specs)
                symbols = {
                    d
                    for spec in specs
                    for d in ("N", "T", "S")
                    if d in spec.partition("[")[2].partition("]")[0]
                }
                self.assertEqual({s["name"] for s in document["symbols"]}, symbols)
                self.assertIn("dataclass", document["outputs"])
                self.assertIn(
                    "linear", {op for g in document["graphs"].values() for op in ops(g)}
                )
                self.assert_run(document)


@unittest.skipUnless(
    importlib.util.find_spec("torchvision"), "torchvision is not installed"
)
class Torchvision(ModelCase):
    def test_models(self):
        for name, modes, expected in TORCHVISION:
            with self.subTest(name):
                package, _, function = f"torchvision.models.{name}".rpartition(".")
                init = "weights_backbone=None" if "segmentation" in name else None
                document = self.trace(
                    f"{package}:{function}",
                    "f32[N,3,64,64]"
                    if name not in ("vit_b_16",)
                    else "f32[N,3,224,224]",
                    init=init,
                )
                self.assertEqual(set(document["graphs"]), modes)
                for graph in document["graphs"].values():
                    self.assertLessEqual(expected, set(ops(graph)))
                    self.assertTrue(all(node["frames"] for node in graph["nodes"]))
                self.assert_run(document)
