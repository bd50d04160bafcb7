"""Helpers for rotary embeddings."""

import jax.numpy as jnp
from jax import Array


def rotary_embedding(x: Array, cos: Array, sin: Array) -> Array:
    """Turn each pair of elements of x [..., D], half of D apart, by its angle."""
    x1, x2 = jnp.split(x, 2, axis=-1)
    turned = x * cos + jnp.concatenate([-x2, x1], axis=-1) * sin
    return turned.astype(x.dtype)
