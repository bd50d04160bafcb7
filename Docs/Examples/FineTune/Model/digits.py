"""The network that Swift fine-tunes: trained in PyTorch on the digits 0 to 4 alone.

python Model/digits.py    # writes digits.npz, the images of all ten digits in scikit-learn
graft transpile Model/digits.py:trained --input 'x=f32[N,1,8,8]' --to jax -o out && cp out/digits.graft .
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

SAMPLES = Path(__file__).parent.parent / "digits.npz"


class Digits(nn.Module):
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


def trained():
    torch.manual_seed(0)
    samples = np.load(SAMPLES)
    known = samples["digit"] < 5
    x, y = torch.tensor(samples["x"][known]), torch.tensor(samples["digit"][known])
    model = Digits()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(20):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


if __name__ == "__main__":
    from sklearn.datasets import load_digits  # UCI, Alpaydin and Kaynak, 1998

    images, digits = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    np.savez_compressed(SAMPLES, x=x, digit=digits.astype(np.int64))
