"""Activations: every layer of torch.nn, with its parameters, and gradients at the kinks."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
x = torch.randn(2, 6)
image = torch.randn(2, 6, 3, 3)
kinks = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 30.0, -30.0])

LAYERS = [
    nn.ReLU(), nn.ReLU6(), nn.Hardtanh(), nn.Hardtanh(-0.5, 2), nn.LeakyReLU(), nn.LeakyReLU(0.2), nn.ELU(),
    nn.ELU(0.7), nn.SELU(), nn.CELU(), nn.CELU(0.7), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(),
    nn.Softplus(2.0), nn.Softplus(1.0, 5.0), nn.Softsign(), nn.Sigmoid(), nn.LogSigmoid(), nn.Hardsigmoid(),
    nn.Hardswish(), nn.Hardshrink(), nn.Softshrink(), nn.Tanhshrink(), nn.Threshold(0.1, 20), nn.Tanh(),
]  # fmt: skip
for layer in LAYERS:
    case(f"{layer}", layer, x)
    # PyTorch's derivative of SiLU and the like is exact there, that of |x| is JAX's only away from 0.
    case(f"{layer} kinks", layer, kinks, gradients="ftsign" not in f"{layer}")
case("PReLU", nn.PReLU(), x)
case("PReLU channels", nn.PReLU(6), image)
case("PReLU channels 2d", nn.PReLU(6), x)
case("GLU", nn.GLU(), x)
case("GLU axis", nn.GLU(1), image)
case("GLU negative axis", nn.GLU(-3), image)
case("RReLU eval", nn.RReLU(), x, train=False)
case("Softmax", nn.Softmax(dim=-1), x)
case("Softmax first axis", nn.Softmax(dim=0), x)
case("Softmax2d", nn.Softmax2d(), image)
case("Softmin", nn.Softmin(dim=1), x)
case("LogSoftmax", nn.LogSoftmax(dim=-1), x)
case("log_softmax middle axis", lambda a: F.log_softmax(a, 1), image)
case(
    "softmax with dtype",
    lambda a: F.softmax(a, -1, dtype=torch.float32),
    torch.arange(6),
)
case(
    "softmax of minus infinity",
    lambda a: F.softmax(a, -1),
    torch.full((2, 3), -torch.inf),
    gradients=False,
)
case("softmax bfloat16", lambda a: F.softmax(a, -1), x.bfloat16(), gradients=False)
case("relu of ints", F.relu, torch.arange(-3, 3))
case("softmax of a scalar", lambda a: F.softmax(a, 0), torch.tensor(2.0))

main()
