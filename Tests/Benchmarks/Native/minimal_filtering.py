"""The rounding of 3 x 3 convolutions by minimal filtering, by the size of their tiles.

    python minimal_filtering.py [--channels 64,128,256] [--seed 0]

Prints the errors of float32, root mean square and largest, in proportion to those of a direct convolution in float32, as
the table in Docs/Decisions/0014-minimal-filtering.md has them. Inputs are rectified normal numbers. Weights are transformed
in float64, inputs and sums in float32.
"""

import argparse
import math

import numpy as np

HALF, TWO = math.sqrt(0.5), math.sqrt(2)
# The finite points at which the polynomials of 2 and of 4 outputs are evaluated.
POINTS = {2: (0, 1, -1), 4: (0, HALF, -HALF, TWO, -TWO)}
TAPS = 3


def matrices(outputs):
    """Of one axis: from taps [3], from inputs [n], and to outputs, for n = outputs + 2 products (Cook and Toom)."""
    points = np.array(POINTS[outputs], np.float64)
    count = outputs + TAPS - 1
    from_taps = np.zeros((count, TAPS))
    from_inputs = np.zeros((count, count))
    to_outputs = np.zeros((outputs, count))
    for i, point in enumerate(points):
        others = np.delete(points, i)
        from_taps[i] = point ** np.arange(TAPS) / np.prod(point - others)
        from_inputs[i, :-1] = np.poly(others)[::-1]
        to_outputs[:, i] = point ** np.arange(outputs)
    from_taps[-1, -1] = 1
    from_inputs[-1] = np.poly(points)[::-1]
    to_outputs[-1, -1] = 1
    return from_taps, from_inputs, to_outputs


def patches(x, height, width):
    """Tiles of x [C, H, W] with their surroundings: [tiles, C, height + 2, width + 2]."""
    shape = (height + TAPS - 1, width + TAPS - 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, shape, axis=(1, 2))
    tiles = windows[:, ::height, ::width].transpose(1, 2, 0, 3, 4)
    return np.ascontiguousarray(tiles).reshape(-1, len(x), *shape)


def direct(x, weight, height, width):
    """[tiles, height, width, O] in the dtype of the arguments."""
    tiles = patches(x, height, width)
    windows = np.lib.stride_tricks.sliding_window_view(tiles, (TAPS, TAPS), (2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(tiles), height, width, -1)
    return columns @ weight.reshape(len(weight), -1).T


def filtered(x, weight, height, width):
    """The same by minimal filtering, in float32."""
    (taps_h, inputs_h, outputs_h), (taps_w, inputs_w, outputs_w) = map(
        matrices, (height, width)
    )
    weights = np.einsum("ia,jb,ocab->ijco", taps_h, taps_w, weight.astype(np.float64))
    tiles = patches(x, height, width)
    lines = tiles @ inputs_w.T.astype(np.float32)
    points = np.einsum("ia,tcaj->ijtc", inputs_h.astype(np.float32), lines)
    products = points @ weights.astype(np.float32)
    lines = np.einsum("wj,ijto->iwto", outputs_w.astype(np.float32), products)
    return np.einsum("hi,iwto->thwo", outputs_h.astype(np.float32), lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", default="64,128,256")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    print("tile   channels  multiplications  rms  largest")
    for height, width in ((2, 2), (2, 4), (4, 4)):
        for channels in map(int, options.channels.split(",")):
            x = np.maximum(generator.standard_normal((channels, 34, 34)), 0)
            weight = generator.standard_normal((channels, channels, TAPS, TAPS))
            x, weight = x.astype(np.float32), weight.astype(np.float32)
            exact = direct(
                x.astype(np.float64), weight.astype(np.float64), height, width
            )
            errors = [
                np.abs(compute(x, weight, height, width) - exact)
                for compute in (filtered, direct)
            ]
            rms = np.sqrt(np.square(errors[0]).mean() / np.square(errors[1]).mean())
            largest = errors[0].max() / errors[1].max()
            share = (height + 2) * (width + 2) / (height * width)
            print(
                f"{height} x {width}  {channels:8}  {share:6.2f} of 9        {rms:4.1f}  {largest:4.1f}"
            )


main()
