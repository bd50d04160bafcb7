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
    # if not groups: " / groups" -> ""
    # if not bias: ", plus bias [O]" -> ""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride,),  # if stride
        # if not stride: window_strides=(1,),
        padding=[(padding, padding)],  # if padding
        # if not padding: padding="VALID",
        rhs_dilation=(dilation,),  # if dilation
        feature_group_count=groups,  # if groups
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
    # if not groups: " / groups" -> ""
    # if not bias: ", plus bias [O]" -> ""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride, stride),  # if stride
        # if not stride: window_strides=(1, 1),
        padding=[(padding, padding)] * 2,  # if padding
        # if not padding: padding="VALID",
        rhs_dilation=(dilation, dilation),  # if dilation
        feature_group_count=groups,  # if groups
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
    # if not groups: " / groups" -> ""
    # if not bias: ", plus bias" -> ""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=(stride,) * 3,  # if stride
        # if not stride: window_strides=(1, 1, 1),
        padding=[(padding, padding)] * 3,  # if padding
        # if not padding: padding="VALID",
        rhs_dilation=(dilation,) * 3,  # if dilation
        feature_group_count=groups,  # if groups
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
    # if not groups: " / groups" -> ""
    # if not bias: ", plus bias [O]" -> ""
    # if not dilation: "Stride, (low, high) padding and dilation" -> "Stride and (low, high) padding"
    # if not spread: "; spread moves x's elements apart" -> ""
    out = lax.conv_general_dilated(
        x,
        params["weight"],
        window_strides=stride,
        padding=padding,
        lhs_dilation=spread,  # if spread
        rhs_dilation=dilation,  # if dilation
        feature_group_count=groups,  # if groups
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
    # if not groups: " / groups" -> ""
    # if not bias: ", plus bias" -> ""
    weight = params["weight"]
    inputs, outputs, *kernel = weight.shape  # if groups
    # if not groups: kernel = weight.shape[2:]
    weight = jnp.flip(weight, range(2, weight.ndim))  # if groups
    # if not groups: weight = jnp.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
    weight = weight.reshape(groups, inputs // groups, outputs, *kernel)  # if groups
    weight = weight.swapaxes(1, 2)  # if groups
    weight = weight.reshape(groups * outputs, inputs // groups, *kernel)  # if groups
    reach = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding)]
    # if not padding and dilation: " - p for d, k, p in zip(dilation, kernel, padding)" -> " for d, k in zip(dilation, kernel)"
    # if not dilation and padding: "d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding)" -> "k - 1 - p for k, p in zip(kernel, padding)"
    # if not dilation and not padding: "d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding)" -> "k - 1 for k in kernel"
    out = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(1,) * len(kernel),
        padding=[(r, r + extra) for r, extra in zip(reach, output_padding)],
        # if not output_padding: "(r, r + extra) for r, extra in zip(reach, output_padding)" -> "(r, r) for r in reach"
        lhs_dilation=stride,
        rhs_dilation=dilation[: len(kernel)],  # if dilation
        feature_group_count=groups,  # if groups
    )
    if "bias" in params:
        out = out + jnp.expand_dims(params["bias"], range(1, len(kernel) + 1))
    return out
