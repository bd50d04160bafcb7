"""Helpers for convolution."""

import jax.numpy as jnp
from jax import Array, lax


def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int | tuple = 1,
    padding: int | tuple = 0,
    dilation: int | tuple = 1,
    groups: int = 1,
) -> Array:
    """Convolution of x [N, C, ...] with weight [O, C / groups, ...], plus bias [O]."""
    rank = weight.ndim - 2
    layout = ("NCHWD"[: rank + 2], "OIHWD"[: rank + 2], "NCHWD"[: rank + 2])
    out = lax.conv_general_dilated(
        x,
        weight,
        window_strides=per_axis(stride, rank),
        padding=[
            pad if isinstance(pad, tuple) else (pad, pad)
            for pad in per_axis(padding, rank)
        ],
        rhs_dilation=per_axis(dilation, rank),
        dimension_numbers=layout,
        feature_group_count=groups,
    )
    return out if bias is None else out + jnp.expand_dims(bias, range(1, rank + 1))


def per_axis(value: int | tuple, rank: int) -> tuple:
    """One number for each spatial axis."""
    return value if isinstance(value, tuple) else (value,) * rank
