"""Half of a training run in torch, in float64.

    python travel.py OUT.npz start STATE.pt           # five steps; writes the optimiser's state and the parameters
    python travel.py OUT.npz go-on STATE.pt WEIGHTS   # five more from a state and parameters that Swift wrote

OUT.npz holds x [160, 8], y [160], START.PATH for the parameters before these steps and END.PATH for those after them.
"""

import sys

import numpy as np
import torch
from safetensors.torch import load_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(8, 16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


model = Network()
x, y = torch.randn(160, 8), torch.randint(0, 4, (160,))
output, mode, path = sys.argv[1:4]
optimizer = torch.optim.AdamW(
    model.parameters(), lr=0.01, betas=(0.8, 0.99), weight_decay=0.1
)
if mode == "go-on":
    model.load_state_dict(load_file(sys.argv[4]))
    optimizer.load_state_dict(torch.load(path, weights_only=True))
arrays = {
    f"START.{name}": value.detach().numpy().copy()
    for name, value in model.named_parameters()
}
for step in range(5) if mode == "start" else range(5, 10):
    rows = slice(16 * step, 16 * step + 16)
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
    optimizer.step()
if mode == "start":
    torch.save({"optimizer": optimizer.state_dict()}, path)
arrays |= {
    f"END.{name}": value.detach().numpy() for name, value in model.named_parameters()
}
np.savez(output, x=x.numpy(), y=y.numpy(), **arrays)
