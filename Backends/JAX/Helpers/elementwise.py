"""Helpers for elementwise arithmetic."""

import jax.numpy as jnp
from jax import Array


def clamp(
    x: Array, low: float | Array | None = None, high: float | Array | None = None
) -> Array:
    """Limit x to [low, high]; unlike `jnp.clip`, the gradient at a limit itself is that of x."""
    # if not high: "[low, high]" -> "at least low"
    # if not low: "[low, high]" -> "at most high"
    # if not low and not high: "; unlike `jnp.clip`, the gradient at a limit itself is that of x" -> ""
    if low is not None:  # if low and high
        x = jnp.where(x < low, low, x)  # if low and high
    return x if high is None else jnp.where(x > high, high, x)  # if low and high
    # if low and not high: return jnp.where(x < low, low, x)
    # if high and not low: return jnp.where(x > high, high, x)
    # if not low and not high: return x
