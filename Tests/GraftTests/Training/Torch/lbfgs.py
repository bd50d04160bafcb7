"""Six steps of torch.optim.LBFGS in float64: python lbfgs.py OUT.npz"""

import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
a = torch.nn.Parameter(torch.linspace(-2, 2, 6).reshape(2, 3))
b = torch.nn.Parameter(torch.tensor([1.5, -0.5]))
weights = torch.tensor([[1.0, 3.0, 0.2], [0.7, 5.0, 2.0]])
optimizer = torch.optim.LBFGS([a, b], lr=0.6, max_iter=4, history_size=3)


def closure():
    optimizer.zero_grad()
    loss = (weights * a**2).sum() + 0.1 * (a**4).sum() + ((b - a.sum(1)) ** 2).sum()
    loss.backward()
    return loss


arrays = {
    "a": a.detach().numpy().copy(),
    "b": b.detach().numpy().copy(),
    "weights": weights.numpy(),
}
losses, points = [], []
for _ in range(6):
    losses.append(optimizer.step(closure).item())
    points.append(np.concatenate([a.detach().numpy().ravel(), b.detach().numpy()]))
np.savez(sys.argv[1], losses=np.array(losses), points=np.stack(points), **arrays)
