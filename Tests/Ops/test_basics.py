"""Arithmetic, linear layers and normalisation: the operations that everything else is checked with."""

import torch
from harness import case, main

torch.manual_seed(0)
x, y = torch.randn(3, 4), torch.randn(3, 4)

case("add", lambda a, b: a + b, x, y)
case("add alpha", lambda a, b: torch.add(a, b, alpha=2.5), x, y)
case("subtract scalar", lambda a: 1 - a, x)
case("divide broadcast", lambda a, b: a / b, x, torch.rand(4) + 0.5)
case("exp of ints", lambda a: torch.exp(a), torch.arange(5))
case("mean", lambda a: a.mean(dim=(0, 1)), x)
case("linear", torch.nn.Linear(4, 5), x)
case("batch norm", torch.nn.BatchNorm1d(4), x)
case("layer norm", torch.nn.LayerNorm(4), x)

main()
