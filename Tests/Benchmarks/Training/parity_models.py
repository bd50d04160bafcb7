"""The models whose training is compared with PyTorch's, each with its batches: nothing in them is random but the start."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy
import torch
import training_models
import transformers
from torch import nn
from torchvision import models as vision

SAMPLES = pathlib.Path(__file__).parents[3] / "Docs/Examples/FineTune/digits.npz"


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


class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.features(x))


class RowEncoder(nn.Module):
    """Classes of images by a transformer over their rows."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 64)
        self.encoder = training_models.Encoder(width=64, heads=4, layers=2)

    def forward(self, x):
        return self.encoder(self.embed(x))


class RowLSTM(nn.Module):
    """Classes of images by two recurrent layers over their rows."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 64, 2, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])


class PairSimilarity(nn.Module):
    """The cosine of the mean states of two texts, in the size of all-MiniLM-L6-v2."""

    def __init__(self):
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

    def embedding(self, ids, mask):
        states = self.model(ids, mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    def forward(self, first, first_mask, second, second_mask):
        pair = self.embedding(first, first_mask), self.embedding(second, second_mask)
        return nn.functional.cosine_similarity(*pair)


def digits(steps, size, shape=(1, 8, 8)):
    """Random batches of the digits that scikit-learn ships."""
    with numpy.load(SAMPLES) as samples:
        x, y = torch.tensor(samples["x"]), torch.tensor(samples["digit"])
    rows = torch.randint(0, len(x), (steps, size))
    return {"x": x[rows].reshape(steps, size, *shape), "target": y[rows]}


def enlarged(steps):
    batches = digits(steps, 8)
    x = batches["x"].repeat_interleave(4, -1).repeat_interleave(4, -2)
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


CASES = {
    "digits_cnn": Case(DigitsCNN, lambda steps: digits(steps, 64)),
    "resnet18": Case(lambda: vision.resnet18(num_classes=10), enlarged, exact=False),
    "transformer_classifier": Case(
        RowEncoder, lambda steps: digits(steps, 32, shape=(8, 8))
    ),
    "minilm_pairs": Case(PairSimilarity, pairs, loss="mse", rate=2e-5, exact=False),
    "gpt2": Case(
        training_models.LanguageModel, texts, class_axis=-1, rate=1e-4, exact=False
    ),
    "lstm": Case(RowLSTM, lambda steps: digits(steps, 32, shape=(8, 8))),
}


def model(name, seed=0):
    torch.manual_seed(seed)
    return CASES[name].build().train()


def batches(name, steps, seed=1):
    torch.manual_seed(seed)
    return CASES[name].batches(steps)


def inputs(name):
    """The inputs of the first batch, by name."""
    found = batches(name, 1)
    return {key: value[0] for key, value in found.items() if key != "target"}


# What `graft transpile parity_models.py:NAME --init seed=S --inputs parity_models.py:NAME_inputs` finds.
for _name in CASES:
    globals()[_name] = lambda seed=0, name=_name: model(name, seed)
    globals()[f"{_name}_inputs"] = lambda name=_name: inputs(name)
