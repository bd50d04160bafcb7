"""Pooling, adaptive pooling and unpooling."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
signal, image, volume = (
    torch.randn(2, 3, 11),
    torch.randn(2, 3, 9, 8),
    torch.randn(2, 3, 5, 6, 7),
)
ties = torch.randn(2, 3, 9, 8).clamp(min=0)

case("max pool 1d", nn.MaxPool1d(3), signal)
case("max pool 1d dilation", nn.MaxPool1d(2, stride=1, dilation=3), signal)
case("max pool 2d", nn.MaxPool2d(2), image)
case("max pool 2d padding", nn.MaxPool2d(3, 2, 1), image)
case("max pool 2d ties", nn.MaxPool2d(3, 2, 1), ties)
case("max pool 2d uneven", nn.MaxPool2d((3, 2), (1, 2), (1, 0)), image)
case("max pool 2d ceil", nn.MaxPool2d(2, ceil_mode=True), image)
case("max pool 2d ceil padding", nn.MaxPool2d(3, 2, 1, ceil_mode=True), image)
case(
    "max pool 2d ceil dropped window",
    nn.MaxPool2d(2, 3, 1, ceil_mode=True),
    torch.randn(1, 1, 4, 7),
)
case("max pool 2d unbatched", nn.MaxPool2d(2), image[0])
case(
    "max pool 2d ints", lambda x: F.max_pool2d(x, 2), torch.randint(0, 9, (1, 2, 4, 4))
)
case("max pool 3d", nn.MaxPool3d(2, padding=1), volume)
for rank, x in ((1, signal), (2, image), (3, volume)):
    layer = getattr(nn, f"MaxPool{rank}d")
    case(f"max pool {rank}d indices", layer(2, return_indices=True), x)
    case(f"max pool {rank}d indices padding", layer(3, 2, 1, return_indices=True), x)
    case(
        f"max pool {rank}d indices ceil",
        layer(2, ceil_mode=True, return_indices=True),
        x,
    )
case("max pool 2d indices ties", nn.MaxPool2d(3, 1, return_indices=True), ties)
case(
    "max pool 2d indices dilation",
    nn.MaxPool2d(2, 1, 1, dilation=2, return_indices=True),
    image,
)
case("max pool 2d indices unbatched", nn.MaxPool2d(2, return_indices=True), image[0])

case("avg pool 1d", nn.AvgPool1d(3, 2, 1), signal)
case("avg pool 2d", nn.AvgPool2d(2), image)
case("avg pool 2d padding", nn.AvgPool2d(3, 2, 1), image)
case("avg pool 2d inside", nn.AvgPool2d(3, 2, 1, count_include_pad=False), image)
case("avg pool 2d ceil", nn.AvgPool2d(2, ceil_mode=True), image)
case("avg pool 2d ceil padding", nn.AvgPool2d(3, 2, 1, ceil_mode=True), image)
case(
    "avg pool 2d ceil inside",
    nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    image,
)
case("avg pool 2d divisor", nn.AvgPool2d(2, divisor_override=3), image)
case("avg pool 2d uneven", nn.AvgPool2d((2, 3), (2, 1)), image)
case("avg pool 2d unbatched", nn.AvgPool2d(2), image[0])
case("avg pool 3d", nn.AvgPool3d(2, padding=1), volume)

for rank, x in ((1, signal), (2, image), (3, volume)):
    average, maximum = (
        getattr(nn, f"AdaptiveAvgPool{rank}d"),
        getattr(nn, f"AdaptiveMaxPool{rank}d"),
    )
    for size in (1, 3, 4, 13):
        case(f"adaptive avg pool {rank}d to {size}", average(size), x)
        case(f"adaptive max pool {rank}d to {size}", maximum(size), x)
    case(f"adaptive max pool {rank}d indices", maximum(3, return_indices=True), x)
case("adaptive avg pool 2d none", nn.AdaptiveAvgPool2d((None, 3)), image)
case("adaptive avg pool 2d same", nn.AdaptiveAvgPool2d((9, 8)), image)
case("adaptive avg pool 2d parts", nn.AdaptiveAvgPool2d((3, 4)), image)
case("adaptive avg pool 2d unbatched", nn.AdaptiveAvgPool2d((3, 3)), image[0])
case("adaptive max pool 2d none", nn.AdaptiveMaxPool2d((2, None)), image)
case("adaptive max pool 2d parts", nn.AdaptiveMaxPool2d((3, 4)), ties)

case("lp pool 1d", nn.LPPool1d(2, 3), signal)
case("lp pool 2d", nn.LPPool2d(3, 2, 1), image.abs() + 0.1)
case("lp pool 2d ceil", nn.LPPool2d(2, 2, ceil_mode=True), image)


for rank, x in ((2, image), (3, volume)):
    fractional = getattr(nn, f"FractionalMaxPool{rank}d")
    samples = torch.rand(*x.shape[:2], rank)
    given = {"_random_samples": samples, "return_indices": True}
    name = f"fractional max pool {rank}d"
    case(name, fractional(2, output_size=3), x)
    case(f"{name} ratio", fractional(2, output_ratio=0.6, return_indices=True), x)
    case(f"{name} samples", fractional(2, output_size=3, **given), x)
    case(f"{name} to one", fractional(2, output_size=1, **given), x)
    case(f"{name} unbatched", fractional(2, output_size=3, return_indices=True), x[0])
case(
    "fractional max pool 2d uneven",
    nn.FractionalMaxPool2d((2, 3), output_size=(5, 4), return_indices=True),
    image,
)
case("fractional max pool 2d ties", nn.FractionalMaxPool2d(3, output_size=4), ties)


class Unpool(nn.Module):
    """Pooling undone."""

    def __init__(self, rank, **kwargs):
        super().__init__()
        self.pool = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True, **kwargs)
        self.unpool = getattr(nn, f"MaxUnpool{rank}d")(2, **kwargs)

    def forward(self, x):
        return self.unpool(*self.pool(x), output_size=x.shape)


case("max unpool 1d", Unpool(1), signal)
case("max unpool 2d", Unpool(2), image)
case("max unpool 2d stride", Unpool(2, stride=3), image)
case("max unpool 3d", Unpool(3), volume)

main()
