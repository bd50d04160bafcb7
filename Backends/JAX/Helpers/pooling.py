"""Helpers for pooling."""

import jax.numpy as jnp
from jax import Array, lax


def max_pool(
    x: Array,
    kernel: tuple,
    *,
    stride: tuple,
    padding: tuple = (),
    dilation: tuple | None = None,
) -> Array:
    """Maximum in each window of the last axes of x; padding counts as minus infinity."""
    leading = (1,) * (x.ndim - len(kernel))
    lowest = (
        -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    )
    return lax.reduce_window(
        x,
        lowest,
        lax.max,
        leading + kernel,
        leading + stride,
        ((0, 0),) * len(leading) + (padding or ((0, 0),) * len(kernel)),
        window_dilation=leading + (dilation or (1,) * len(kernel)),
    )
