"""Recurrent layers and cells."""

import torch
from harness import case, main
from torch import nn

torch.manual_seed(0)
x, first = torch.randn(7, 2, 3), torch.randn(2, 7, 3)


class Sequence(nn.Module):
    """A layer's outputs and last state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class Started(Sequence):
    """A layer with an initial state."""

    def forward(self, x, h, c=None):
        return self.layer(x, h if c is None else (h, c))


for kind in ("LSTM", "GRU", "RNN"):
    layer = getattr(nn, kind)
    name = kind.lower()
    states = 2 if kind == "LSTM" else 1
    case(name, Sequence(layer(3, 5)), x)
    case(f"{name} batch first", Sequence(layer(3, 5, batch_first=True)), first)
    case(f"{name} no bias", Sequence(layer(3, 5, bias=False)), x)
    case(
        f"{name} deep both ways",
        Sequence(layer(3, 5, num_layers=2, bidirectional=True)),
        x,
    )
    case(
        f"{name} state",
        Started(layer(3, 5)),
        x,
        *(torch.randn(1, 2, 5) for _ in range(states)),
    )
    case(f"{name} unbatched", Sequence(layer(3, 5)), x[:, 0])
    case(f"{name} dropout", Sequence(layer(3, 5, num_layers=3, dropout=0.4)), x)
    case(f"{name} bare", layer(3, 5), x)
    cell = getattr(nn, f"{kind}Cell")
    case(f"{name} cell", cell(3, 5), x[0])
    case(f"{name} cell no bias", cell(3, 5, bias=False), x[0])
case("lstm projection", Sequence(nn.LSTM(3, 5, proj_size=2)), x)
case(
    "lstm projection deep both ways",
    Sequence(nn.LSTM(3, 5, 2, proj_size=2, bidirectional=True)),
    x,
)
case("rnn relu", Sequence(nn.RNN(3, 5, nonlinearity="relu")), x)
case("rnn relu cell", nn.RNNCell(3, 5, nonlinearity="relu"), x[0])


class Tagger(nn.Module):
    """A usual model around a recurrent layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.lstm = nn.LSTM(4, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 3)

    def forward(self, tokens):
        out, _ = self.lstm(self.embedding(tokens))
        return self.head(out[:, -1])


case("tagger", Tagger(), torch.randint(0, 11, (2, 5)))

main()
