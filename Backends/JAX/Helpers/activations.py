"""Helpers for activations."""

import jax.numpy as jnp
from jax import Array


def hardtanh(x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    """Limit x to [low, high]; at the limits the gradient is zero."""
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))
