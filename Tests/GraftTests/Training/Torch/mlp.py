"""A small network, with batch normalisation if asked for, trained by torch in float64 for three epochs of four batches, the last a smaller one.

    python mlp.py OUT.npz [normalised]

Writes START.PATH, x [100, 8], y [100], losses [12], accuracies [3] and END.PATH.
"""

import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
NORMALISED = "normalised" in sys.argv[2:]


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        # A bias before the normalisation would have no gradient but rounding errors.
        self.first = torch.nn.Linear(8, 16, bias=not NORMALISED)
        if NORMALISED:
            self.norm = torch.nn.BatchNorm1d(16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x):
        x = self.first(x)
        return self.second(torch.relu(self.norm(x) if NORMALISED else x))


model = Network()
x = torch.randn(100, 8)
y = torch.randint(0, 4, (100,))
arrays = {
    f"START.{name}": value.numpy().copy() for name, value in model.state_dict().items()
}
decayed = [
    value for name, value in model.named_parameters() if not name.endswith("bias")
]
others = [value for name, value in model.named_parameters() if name.endswith("bias")]
optimizer = torch.optim.AdamW(
    [{"params": decayed}, {"params": others, "weight_decay": 0}],
    lr=0.01,
    weight_decay=0.1,
)
schedule = torch.optim.lr_scheduler.SequentialLR(
    optimizer,
    [
        torch.optim.lr_scheduler.LinearLR(optimizer, 1 / 4, 1, total_iters=3),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8),
    ],
    milestones=[4],
)
losses, accuracies = [], []
for _ in range(3):
    hits = 0
    for start in range(0, 100, 32):
        inputs, targets = x[start : start + 32], y[start : start + 32]
        outputs = model(inputs)
        loss = torch.nn.functional.cross_entropy(outputs, targets, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.7)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        hits += (outputs.argmax(1) == targets).sum().item()
    accuracies.append(hits / 100)
model.eval()
with torch.no_grad():
    evaluation = torch.nn.functional.cross_entropy(
        model(x), y, label_smoothing=0.1
    ).item()
arrays |= {f"END.{name}": value.numpy() for name, value in model.state_dict().items()}
arrays |= {
    "x": x.numpy(),
    "y": y.numpy(),
    "losses": np.array(losses),
    "accuracies": np.array(accuracies),
}
np.savez(sys.argv[1], evaluation=np.array([evaluation]), **arrays)
