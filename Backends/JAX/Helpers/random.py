"""Helpers that draw random numbers."""

import jax
import jax.numpy as jnp
from jax import Array


def dropout(x: Array, rng: Array | None, rate: float) -> Array:
    """Zero a share `rate` of x and scale up the rest; x itself without a key."""
    if rng is None:
        return x
    keep = jax.random.bernoulli(rng, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)
