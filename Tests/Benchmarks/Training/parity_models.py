"""The models whose training is compared with PyTorch's, each with its batches: nothing in them is random but the start."""

import dataclasses
from collections.abc import Callable

import architectures
import numpy
import torch
import torchvision_operators  # noqa: F401  (before torchvision is imported)
from digits import SAMPLES, Digits
from torch import nn
from torchvision import models as vision


@dataclasses.dataclass(frozen=True)
class Case:
    """A model by the seed of its start, batches [steps, batch, ...] by name, the targets last."""

    build: Callable[[], nn.Module]
    batches: Callable[[int], dict[str, torch.Tensor]]
    loss: str = "cross-entropy"
    class_axis: int = 1
    rate: float = 1e-3
    # Whether PyTorch also trains it in float64.
    exact: bool = True
    # Of the weights and of batches that are not integers, in PyTorch and natively.
    dtype: torch.dtype = torch.float32


class RowEncoder(nn.Module):
    """Classes of images by a transformer over their rows."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 64)
        self.encoder = architectures.EncoderClassifier(width=64, heads=4, layers=2)

    def forward(self, x):
        return self.encoder(self.embed(x))


class PairSimilarity(nn.Module):
    """The cosine of the mean states of two texts, in the size of all-MiniLM-L6-v2."""

    def __init__(self):
        super().__init__()
        self.model = architectures.minilm()

    def embedding(self, ids, mask):
        states = self.model(ids, mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    def forward(self, first, first_mask, second, second_mask):
        pair = self.embedding(first, first_mask), self.embedding(second, second_mask)
        return nn.functional.cosine_similarity(*pair)


def digits():
    """Images [n, 1, 8, 8] and digits [n] that scikit-learn ships."""
    with numpy.load(SAMPLES) as samples:
        return torch.tensor(samples["x"]), torch.tensor(samples["digit"])


def images_of_digits(steps, size):
    """Random batches of images [steps, size, 1, 8, 8]."""
    x, y = digits()
    rows = torch.randint(0, len(x), (steps, size))
    return {"x": x[rows], "target": y[rows]}


def rows_of_digits(steps, size):
    """Random batches of images as sequences of rows, [steps, size, 8, 8]."""
    batches = images_of_digits(steps, size)
    return batches | {"x": batches["x"].squeeze(2)}


def enlarged_digits(steps):
    """Random batches of images with three channels, [steps, 16, 3, 64, 64]."""
    batches = images_of_digits(steps, 16)
    x = batches["x"].repeat_interleave(8, -1).repeat_interleave(8, -2)
    return batches | {"x": x.expand(-1, -1, 3, -1, -1)}


def pairs(steps, size=8, length=32):
    lengths = torch.randint(length // 2, length + 1, (2, steps, size, 1))
    masks = (torch.arange(length) < lengths).long()
    ids = torch.randint(1000, 30522, (2, steps, size, length)) * masks
    return {
        "first": ids[0],
        "first_mask": masks[0],
        "second": ids[1],
        "second_mask": masks[1],
        "target": torch.rand(steps, size),
    }


def texts(steps, size=2, length=32):
    ids = torch.randint(0, 50257, (steps, size, length))
    return {"input_ids": ids, "target": ids.roll(-1, -1)}


# In float32 PyTorch does not follow PyTorch in float64: batch normalisation of few values enlarges what they differ by.
RESNET18 = Case(lambda: vision.resnet18(num_classes=10), enlarged_digits, rate=1e-5)

CASES = {
    "digits_cnn": Case(Digits, lambda steps: images_of_digits(steps, 64)),
    "resnet18": RESNET18,
    "resnet18_float64": dataclasses.replace(RESNET18, exact=False, dtype=torch.float64),
    "transformer_classifier": Case(RowEncoder, lambda steps: rows_of_digits(steps, 32)),
    "minilm_pairs": Case(PairSimilarity, pairs, loss="mse", rate=2e-5, exact=False),
    "gpt2": Case(
        architectures.LanguageModel, texts, class_axis=-1, rate=1e-4, exact=False
    ),
    "lstm": Case(
        lambda: architectures.LSTMClassifier(features=8, width=64),
        lambda steps: rows_of_digits(steps, 32),
    ),
}


def model(name, seed=0):
    torch.manual_seed(seed)
    return CASES[name].build().train().to(CASES[name].dtype)


def batches(name, steps, seed=1):
    torch.manual_seed(seed)
    found = CASES[name].batches(steps)
    dtype = CASES[name].dtype
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in found.items()}


def inputs(name):
    """The inputs of the first batch, by name."""
    found = batches(name, 1)
    return {key: value[0] for key, value in found.items() if key != "target"}


# What `graft transpile parity_models.py:NAME --init seed=S --inputs parity_models.py:NAME_inputs` finds.
for _name in CASES:
    globals()[_name] = lambda seed=0, name=_name: model(name, seed)
    globals()[f"{_name}_inputs"] = lambda name=_name: inputs(name)
