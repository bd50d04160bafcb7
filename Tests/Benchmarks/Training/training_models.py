"""The models whose training is measured: how each is built, what a batch is, and where the output has its classes."""

import dataclasses
import functools
from collections.abc import Callable

import torch
import torchvision_operators  # noqa: F401  (before torchvision is imported)
import transformers
from torch import nn
from torchvision import models as vision


@dataclasses.dataclass(frozen=True)
class Case:
    """A classifier, its inputs and its targets for the cross entropy; nothing in it is random."""

    build: Callable[[], nn.Module]
    inputs: Callable[[], dict[str, torch.Tensor]]
    targets: Callable[[], torch.Tensor]
    class_axis: int = 1


def mlp():
    return nn.Sequential(
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


class TwoConvolutions(nn.Module):
    """The network of PyTorch's MNIST example, without dropout."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Encoder(nn.Module):
    """Classes of sequences by the mean of a transformer's last states."""

    def __init__(self, width=256, heads=8, layers=4, classes=10):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class MiniLM(nn.Module):
    """A classifier of texts in the size of all-MiniLM-L6-v2."""

    def __init__(self, classes=10):
        super().__init__()
        config = transformers.BertConfig(
            vocab_size=30522,
            hidden_size=384,
            num_hidden_layers=6,
            num_attention_heads=12,
            intermediate_size=1536,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        self.model = transformers.BertModel(config, add_pooling_layer=False)
        self.head = nn.Linear(384, classes)

    def forward(self, input_ids, attention_mask):
        states = self.model(input_ids, attention_mask).last_hidden_state
        return self.head(states[:, 0])


class LanguageModel(nn.Module):
    """GPT-2's scores of the next tokens."""

    def __init__(self):
        super().__init__()
        config = transformers.GPT2Config(
            use_cache=False, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
        )
        self.model = transformers.GPT2LMHeadModel(config)

    def forward(self, input_ids):
        return self.model(input_ids).logits


class LSTM(nn.Module):
    """Classes of sequences by the last state of two recurrent layers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(128, 256, 2, batch_first=True)
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])


def numbers(*shape):
    return lambda: {"x": torch.randn(shape)}


def classes(count, *shape):
    return lambda: torch.randint(0, count, shape)


def tokens(vocabulary, *shape, mask=False):
    def inputs():
        ids = {"input_ids": torch.randint(0, vocabulary, shape)}
        return ids | (
            {"attention_mask": torch.ones_like(ids["input_ids"])} if mask else {}
        )

    return inputs


CASES = {
    "mlp": Case(mlp, lambda: {"input": torch.randn(64, 784)}, classes(10, 64)),
    "two_convolutions": Case(TwoConvolutions, numbers(64, 1, 28, 28), classes(10, 64)),
    "resnet18": Case(vision.resnet18, numbers(8, 3, 128, 128), classes(1000, 8)),
    "transformer_encoder": Case(Encoder, numbers(8, 128, 256), classes(10, 8)),
    "minilm": Case(MiniLM, tokens(30522, 16, 128, mask=True), classes(10, 16)),
    "gpt2": Case(LanguageModel, tokens(50257, 4, 256), classes(50257, 4, 256), -1),
    "lstm": Case(LSTM, numbers(32, 64, 128), classes(10, 32)),
}
TRANSFORMERS = ("transformer_encoder", "minilm", "gpt2")


def seeded(factory):
    def build():
        torch.manual_seed(0)
        return factory().train()

    return build


BUILDERS = {name: seeded(case.build) for name, case in CASES.items()}


def batch(name):
    """Inputs and targets of a case, the same each time."""
    torch.manual_seed(1)
    return CASES[name].inputs(), CASES[name].targets()


# What `graft transpile training_models.py:NAME --inputs training_models.py:NAME_inputs` finds.
for _name, _build in BUILDERS.items():
    globals()[_name] = _build
    globals()[f"{_name}_inputs"] = functools.partial(lambda name: batch(name)[0], _name)
