"""The models whose training is measured: how each is built, what a batch is, and where the output has its classes."""

import dataclasses
import functools
from collections.abc import Callable

import architectures
import torch
import torchvision_operators  # noqa: F401  (before torchvision is imported)
from torch import nn
from torchvision import models as vision


@dataclasses.dataclass(frozen=True)
class Case:
    """A classifier, its inputs and its targets for the cross entropy; nothing in it is random."""

    build: Callable[[], nn.Module]
    inputs: Callable[[], dict[str, torch.Tensor]]
    targets: Callable[[], torch.Tensor]
    class_axis: int = 1


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


class MiniLM(nn.Module):
    """A classifier of texts in the size of all-MiniLM-L6-v2."""

    def __init__(self, classes=10):
        super().__init__()
        self.model = architectures.minilm()
        self.head = nn.Linear(384, classes)

    def forward(self, input_ids, attention_mask):
        states = self.model(input_ids, attention_mask).last_hidden_state
        return self.head(states[:, 0])


def numbers(*shape):
    return lambda: {"x": torch.randn(shape)}


def classes(count, *shape):
    return lambda: torch.randint(0, count, shape)


CASES = {
    "mlp": Case(
        architectures.mlp, lambda: {"input": torch.randn(64, 784)}, classes(10, 64)
    ),
    "two_convolutions": Case(TwoConvolutions, numbers(64, 1, 28, 28), classes(10, 64)),
    "resnet18": Case(vision.resnet18, numbers(8, 3, 128, 128), classes(1000, 8)),
    "transformer_encoder": Case(
        architectures.EncoderClassifier, numbers(8, 128, 256), classes(10, 8)
    ),
    "minilm": Case(
        MiniLM,
        lambda: architectures.token_ids(30522, 16, 128, mask=True),
        classes(10, 16),
    ),
    "gpt2": Case(
        architectures.LanguageModel,
        lambda: architectures.token_ids(50257, 4, 256),
        classes(50257, 4, 256),
        class_axis=-1,
    ),
    "lstm": Case(
        lambda: architectures.LSTMClassifier(features=128, width=256),
        numbers(32, 64, 128),
        classes(10, 32),
    ),
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
