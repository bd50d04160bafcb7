"""Resizing, sampling at the points of a grid, and bags of embeddings."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
resize = F.interpolate
signal, image, volume = (
    torch.randn(2, 3, 8),
    torch.randn(2, 3, 8, 6),
    torch.randn(2, 3, 4, 5, 6),
)

for mode, x in (
    ("nearest", signal),
    ("nearest", image),
    ("nearest", volume),
    ("nearest-exact", signal),
    ("nearest-exact", image),
    ("nearest-exact", volume),
    ("linear", signal),
    ("bilinear", image),
    ("trilinear", volume),
    ("bicubic", image),
):
    name = f"{mode} {x.ndim - 2}d"
    case(f"{name} twice", resize, x, scale_factor=2, mode=mode)
    case(f"{name} enlarged", resize, x, size=(11, 13, 7)[: x.ndim - 2], mode=mode)
    case(f"{name} reduced", resize, x, size=(3, 4, 5)[: x.ndim - 2], mode=mode)
    case(f"{name} scale", resize, x, scale_factor=1.7, mode=mode)
    case(
        f"{name} recomputed",
        resize,
        x,
        scale_factor=0.6,
        mode=mode,
        recompute_scale_factor=True,
    )
    if "nearest" not in mode:
        case(
            f"{name} corners",
            resize,
            x,
            size=(11, 4, 7)[: x.ndim - 2],
            mode=mode,
            align_corners=True,
        )
        case(f"{name} one", resize, x, size=1, mode=mode, align_corners=True)
case("bilinear antialias", resize, image, size=(3, 4), mode="bilinear", antialias=True)
case(
    "bilinear antialias enlarged",
    resize,
    image,
    size=(11, 4),
    mode="bilinear",
    antialias=True,
)
case("bicubic antialias", resize, image, size=(3, 4), mode="bicubic", antialias=True)
case("area", resize, image, size=(3, 4), mode="area")
case(
    "upsample", nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), image
)
case(
    "upsample inside",
    nn.Sequential(nn.Conv2d(3, 4, 1), nn.Upsample(scale_factor=2), nn.ReLU()),
    image,
)

grid = torch.rand(2, 5, 4, 2) * 2.6 - 1.3
points = torch.rand(2, 3, 5, 4, 3) * 2.6 - 1.3
for padding in ("zeros", "border", "reflection"):
    for corners in (False, True):
        for mode in ("bilinear", "nearest", "bicubic"):
            options = {"mode": mode, "padding_mode": padding, "align_corners": corners}
            case(
                f"grid {mode} {padding} {corners}",
                F.grid_sample,
                image,
                grid,
                **options,
            )
        options = {
            "mode": "bilinear",
            "padding_mode": padding,
            "align_corners": corners,
        }
        case(
            f"grid volume {padding} {corners}", F.grid_sample, volume, points, **options
        )
case(
    "grid volume nearest",
    F.grid_sample,
    volume,
    points,
    mode="nearest",
    align_corners=False,
)
case(
    "affine grid",
    F.affine_grid,
    torch.randn(2, 2, 3),
    size=(2, 3, 5, 4),
    align_corners=False,
)
case(
    "affine grid corners",
    F.affine_grid,
    torch.randn(2, 2, 3),
    size=(2, 3, 5, 1),
    align_corners=True,
)
case(
    "affine grid volume",
    F.affine_grid,
    torch.randn(2, 3, 4),
    size=(2, 3, 2, 5, 4),
    align_corners=False,
)

tokens, offsets = torch.tensor([1, 2, 4, 5, 4, 3, 2, 9]), torch.tensor([0, 3, 3, 6])
for mode in ("sum", "mean", "max"):
    case(f"bag {mode}", nn.EmbeddingBag(10, 3, mode=mode), tokens, offsets)
    case(f"bag {mode} rows", nn.EmbeddingBag(10, 3, mode=mode), tokens.reshape(2, 4))
    case(
        f"bag {mode} padding",
        nn.EmbeddingBag(10, 3, mode=mode, padding_idx=4),
        tokens,
        offsets,
    )
    case(
        f"bag {mode} last offset",
        nn.EmbeddingBag(10, 3, mode=mode, include_last_offset=True),
        tokens,
        torch.tensor([0, 3, 3, 8]),
    )
case(
    "bag weights",
    lambda t, o, w, s: F.embedding_bag(t, w, o, mode="sum", per_sample_weights=s),
    tokens,
    offsets,
    torch.randn(10, 3),
    torch.randn(8),
)

main()
