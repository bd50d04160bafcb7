"""Helpers for convolution."""

import jax.numpy as jnp
from jax import Array, lax


def conv1d(
    params: dict,
    x: Array,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """1-D convolution of x [N, C, L] with weight [O, C / groups, k], plus bias [O]."""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride,),
        padding=[(padding, padding)],
        rhs_dilation=(dilation,),
        feature_group_count=groups,
    )
    return out + params["bias"][:, None] if "bias" in params else out


def conv2d(
    params: dict,
    x: Array,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """2-D convolution of x [N, C, H, W] with weight [O, C / groups, kH, kW], plus bias [O]."""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )
    return out + params["bias"][:, None, None] if "bias" in params else out


def conv3d(
    params: dict,
    x: Array,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """3-D convolution of x [N, C, D, H, W] with weight [O, C / groups, kD, kH, kW], plus bias."""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride,) * 3,
        padding=[(padding, padding)] * 3,
        rhs_dilation=(dilation,) * 3,
        feature_group_count=groups,
    )
    return out + params["bias"][:, None, None, None] if "bias" in params else out


def conv(
    params: dict,
    x: Array,
    *,
    stride: tuple,
    padding: tuple,
    dilation: tuple | None = None,
    spread: tuple | None = None,
    groups: int = 1,
) -> Array:
    """Convolution of x [N, C, ...] with weight [O, C / groups, ...], plus bias [O].

    Stride, (low, high) padding and dilation of each axis; spread moves x's elements apart.
    """
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=stride,
        padding=padding,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        feature_group_count=groups,
    )
    if "bias" in params:
        out = out + jnp.expand_dims(params["bias"], range(1, len(stride) + 1))
    return out


def conv_transpose(
    params: dict,
    x: Array,
    *,
    stride: tuple,
    padding: tuple = (0, 0, 0),
    output_padding: tuple = (0, 0, 0),
    dilation: tuple = (1, 1, 1),
    groups: int = 1,
) -> Array:
    """Transposed convolution of x [N, C, ...] with weight [C, O / groups, ...], plus bias."""
    weight = params["weight"]
    inputs, outputs, *kernel = weight.shape
    weight = jnp.flip(weight, range(2, weight.ndim))
    weight = weight.reshape(groups, inputs // groups, outputs, *kernel)
    weight = weight.swapaxes(1, 2).reshape(groups * outputs, inputs // groups, *kernel)
    reach = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding)]
    out = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(1,) * len(kernel),
        padding=[(low, low + extra) for low, extra in zip(reach, output_padding)],
        lhs_dilation=stride,
        rhs_dilation=dilation[: len(kernel)],
        feature_group_count=groups,
    )
    if "bias" in params:
        out = out + jnp.expand_dims(params["bias"], range(1, len(kernel) + 1))
    return out
