"""Helpers for elementwise arithmetic."""

import jax.numpy as jnp
from jax import Array


def clamp(
    x: Array, low: float | Array | None = None, high: float | Array | None = None
) -> Array:
    """Limit x to [low, high]; unlike `jnp.clip`, the gradient at a limit itself is that of x."""
    if low is not None:
        x = jnp.where(x < low, low, x)
    return x if high is None else jnp.where(x > high, high, x)
