"""Convolutions and transposed convolutions, as layers and as functions."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
signal, image, volume = (
    torch.randn(2, 4, 11),
    torch.randn(2, 4, 9, 8),
    torch.randn(2, 4, 5, 6, 7),
)

case("conv1d", nn.Conv1d(4, 6, 3), signal)
case("conv1d stride, padding", nn.Conv1d(4, 6, 3, stride=2, padding=1), signal)
case("conv1d dilation", nn.Conv1d(4, 6, 3, dilation=2), signal)
case("conv1d same", nn.Conv1d(4, 6, 4, padding="same"), signal)
case("conv1d same dilation", nn.Conv1d(4, 6, 2, padding="same", dilation=3), signal)
case("conv1d valid", nn.Conv1d(4, 6, 3, padding="valid"), signal)
case("conv1d unbatched", nn.Conv1d(4, 6, 3), signal[0])
case("conv2d", nn.Conv2d(4, 6, 3, padding=1), image)
case("conv2d no bias", nn.Conv2d(4, 6, 1, bias=False), image)
case("conv2d stride", nn.Conv2d(4, 6, 3, stride=2, padding=1), image)
case(
    "conv2d uneven",
    nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
    image,
)
case("conv2d groups", nn.Conv2d(4, 6, 3, groups=2), image)
case("conv2d depthwise", nn.Conv2d(4, 8, 3, groups=4, padding=1), image)
case("conv2d same", nn.Conv2d(4, 6, (3, 4), padding="same"), image)
case("conv2d reflect", nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), image)
case("conv2d circular", nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), image)
case("conv2d unbatched", nn.Conv2d(4, 6, 3), image[0])
case("conv2d function", F.conv2d, image, torch.randn(6, 4, 3, 3), torch.randn(6))
case("conv2d function no bias", F.conv2d, image, torch.randn(6, 4, 3, 3), stride=2)
case("conv3d", nn.Conv3d(4, 6, 3, padding=1), volume)
case(
    "conv3d stride",
    nn.Conv3d(4, 6, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
    volume,
)
case("conv3d groups same", nn.Conv3d(4, 4, 2, padding="same", groups=4), volume)
case("conv transpose 1d", nn.ConvTranspose1d(4, 6, 3), signal)
case(
    "conv transpose 1d stride",
    nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1),
    signal,
)
case("conv transpose 1d unbatched", nn.ConvTranspose1d(4, 6, 3), signal[0])
case("conv transpose 2d", nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), image)
case(
    "conv transpose 2d groups",
    nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, dilation=2),
    image,
)
case(
    "conv transpose 2d output padding",
    nn.ConvTranspose2d(4, 6, 3, stride=(2, 3), output_padding=(1, 2)),
    image,
)
case(
    "conv transpose 2d over-padded",
    nn.ConvTranspose2d(4, 6, 2, padding=2, bias=False),
    image,
)
case("conv transpose 3d", nn.ConvTranspose3d(4, 6, 3, stride=2, padding=1), volume)
case(
    "aten convolution",
    lambda x, w: torch.convolution(
        x, w, None, (1, 2), (1, 0), (1, 1), False, (0, 0), 1
    ),
    image,
    torch.randn(3, 4, 2, 2),
)
case(
    "aten convolution transposed",
    lambda x, w: torch.convolution(x, w, None, (2, 2), (1, 1), (1, 1), True, (1, 1), 2),
    image,
    torch.randn(4, 3, 3, 3),
)

main()
