"""A folder of images: python images.py OUT.npz FOLDER

Writes FOLDER/a/grey.png, FOLDER/a/photo.jpg and FOLDER/b/colour.png, and what they hold at 6 x 5 pixels, from 0 to 1 [3, 3, 6, 5].
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

rng = np.random.default_rng(2)
folder = Path(sys.argv[2])
for name in ["a", "b"]:
    (folder / name).mkdir(parents=True)
grey = Image.fromarray(rng.integers(0, 256, (9, 7), dtype=np.uint8))
colour = Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8))
smooth = np.add.outer(np.arange(32), 3 * np.arange(24))[..., None] + np.array(
    [0, 40, 90]
)
photo = Image.fromarray(smooth.astype(np.uint8))
grey.save(folder / "a" / "grey.png")
colour.save(folder / "b" / "colour.png")
photo.save(folder / "a" / "photo.jpg", quality=95)
images = []
for path in ["a/grey.png", "a/photo.jpg", "b/colour.png"]:
    pixels = torch.tensor(
        np.asarray(Image.open(folder / path).convert("RGB")) / 255
    ).permute(2, 0, 1)[None]
    images.append(
        torch.nn.functional.interpolate(pixels, (6, 5), mode="bilinear").numpy()
    )
np.savez(sys.argv[1], images=np.concatenate(images))
