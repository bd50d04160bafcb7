"""The models that native execution is measured with: how each is built, and what it is called with."""

import dataclasses
import functools
import itertools
from collections.abc import Callable

import architectures
import torch
import torchvision_operators  # noqa: F401  (before torchvision is imported)
import transformers
from torch import nn
from torchvision import models as vision


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, its inputs for a batch size, and the dimensions of the inputs that a conversion leaves open."""

    build: Callable[[], nn.Module]
    inputs: Callable[[int], dict[str, torch.Tensor]]
    dynamic: tuple[str, ...]
    batches: tuple[int, ...] = (1, 8)


def images(size):
    return lambda batch: {"x": torch.randn(batch, 3, size, size)}


def tiny_mlp():
    """So small that a call is all overhead."""
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


class Decode(nn.Module):
    """GPT-2's scores of one more token, the layers' keys and values so far given and returned."""

    def __init__(self):
        super().__init__()
        self.model = transformers.GPT2LMHeadModel(transformers.GPT2Config())

    def forward(self, input_ids, keys: list[torch.Tensor], values: list[torch.Tensor]):
        cache = transformers.DynamicCache(tuple(zip(keys, values)))
        output = self.model(input_ids, past_key_values=cache, use_cache=True)
        layers = output.past_key_values.layers
        return output.logits, [x.keys for x in layers], [x.values for x in layers]


def decode_inputs(batch, past=128, layers=12, heads=12, width=64):
    def states():
        return [torch.randn(batch, heads, past, width) for _ in range(layers)]

    return {
        "input_ids": torch.randint(0, 50257, (batch, 1)),
        "keys": states(),
        "values": states(),
    }


class MiniLM(nn.Module):
    """The encoder of all-MiniLM-L6-v2: the last hidden states."""

    def __init__(self):
        super().__init__()
        self.model = architectures.minilm()

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids, attention_mask).last_hidden_state


class ConvBlock(nn.Sequential):
    def __init__(self, inputs, outputs):
        layers = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """Scores of each class at each pixel (Ronneberger et al., 2015), four levels down."""

    def __init__(self, classes=2, width=32, depth=4):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        pairs = list(itertools.pairwise(widths))
        self.stem = ConvBlock(3, width)
        self.downs = nn.ModuleList(ConvBlock(a, b) for a, b in pairs)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairs[::-1])
        self.blocks = nn.ModuleList(ConvBlock(b, a) for a, b in pairs[::-1])
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        x = self.stem(x)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(self.pool(x))
        for up, block in zip(self.ups, self.blocks):
            x = block(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)


def seeded(factory):
    """The factory with a seed; nothing in the model is 0 that would hide the rest."""

    def build():
        torch.manual_seed(0)
        model = factory().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.Linear) and not module.weight.any():
                nn.init.normal_(module.weight, 0, 0.02)
        return model

    return build


IMAGES = ("x=N,3,224,224",)
CASES = {
    "mlp": Case(
        architectures.mlp,
        lambda n: {"input": torch.randn(n, 784)},
        ("input=N,784",),
        (1, 64),
    ),
    "tiny_mlp": Case(
        tiny_mlp, lambda n: {"input": torch.randn(n, 8)}, ("input=N,8",), (1,)
    ),
    "resnet18": Case(vision.resnet18, images(224), IMAGES),
    "resnet50": Case(vision.resnet50, images(224), IMAGES),
    "mobilenet_v2": Case(vision.mobilenet_v2, images(224), IMAGES),
    "convnext_tiny": Case(vision.convnext_tiny, images(224), IMAGES),
    "vit_b_16": Case(vision.vit_b_16, images(224), IMAGES),
    "transformer_encoder": Case(
        architectures.transformer_encoder,
        lambda n: {"src": torch.randn(n, 128, 256)},
        ("src=N,128,256",),
    ),
    "gpt2_prefill": Case(
        architectures.LanguageModel,
        lambda n: architectures.token_ids(50257, n, 128),
        ("input_ids=N,T",),
    ),
    "gpt2_decode": Case(
        Decode,
        decode_inputs,
        ("input_ids=N,1", "keys=N,12,P,64", "values=N,12,P,64"),
    ),
    "minilm": Case(
        MiniLM,
        lambda n: architectures.token_ids(30522, n, 128, mask=True),
        ("input_ids=N,T", "attention_mask=N,T"),
        (1, 32),
    ),
    "lstm": Case(
        lambda: architectures.LSTMClassifier(features=256, width=512),
        lambda n: {"x": torch.randn(n, 100, 256)},
        ("x=N,100,256",),
    ),
    "unet": Case(UNet, images(256), ("x=N,3,256,256",)),
}
BUILDERS = {name: seeded(case.build) for name, case in CASES.items()}


def example(name, batch):
    """The inputs of a case, the same each time."""
    torch.manual_seed(1)
    return CASES[name].inputs(batch)


# What `graft transpile models.py:NAME --inputs models.py:NAME_inputs` finds.
for _name, _build in BUILDERS.items():
    globals()[_name] = _build
    globals()[f"{_name}_inputs"] = functools.partial(example, _name, 2)


def flat(value):
    """The tensors of nested inputs or outputs, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in flat(item)]
    return [value]
