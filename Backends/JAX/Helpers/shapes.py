"""Helpers for shapes."""

import jax
import jax.numpy as jnp
from jax import Array, lax


def diag_embed(x: Array, offset: int = 0) -> Array:
    """Matrices with x [..., n] on a diagonal and zeros elsewhere."""
    size = x.shape[-1] + abs(offset)
    rows = jnp.arange(x.shape[-1]) + max(-offset, 0)
    matrices = jnp.zeros((*x.shape[:-1], size, size), x.dtype)
    return matrices.at[..., rows, rows + offset].set(x)


def sliding_windows(x: Array, size: int, step: int, *, axis: int = -1) -> Array:
    """Windows of x along an axis; their elements become a new last axis."""
    starts = jnp.arange(0, x.shape[axis] - size + 1, step)
    windows = jnp.moveaxis(x, axis, -1)[..., starts[:, None] + jnp.arange(size)]
    return jnp.moveaxis(windows, -2, axis if axis >= 0 else axis - 1)


def extract_patches(
    x: Array,
    *,
    kernel: tuple,
    stride: tuple = (1, 1),
    padding: tuple = (0, 0),
    dilation: tuple = (1, 1),
) -> Array:
    """Patches of x [N, C, H, W] as columns [N, C * kh * kw, patches]."""
    patches = lax.conv_general_dilated_patches(
        x, kernel, stride, [(pad, pad) for pad in padding], rhs_dilation=dilation
    )
    return patches.reshape(*patches.shape[:2], -1)


def fold_patches(x: Array, size: tuple, *, kernel: tuple, **settings: tuple) -> Array:
    """Images [N, C, *size] summed from patches given as columns [N, C * kh * kw, patches]."""
    channels = x.shape[1] // (kernel[0] * kernel[1])
    images = jax.ShapeDtypeStruct((x.shape[0], channels, *size), x.dtype)
    extract = jax.linear_transpose(
        lambda images: extract_patches(images, kernel=kernel, **settings), images
    )
    return extract(x)[0]
