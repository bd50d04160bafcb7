"""Helpers for embedding."""

import jax.numpy as jnp
from jax import Array, lax


def embedding(weight: Array, indices: Array, padding: int) -> Array:
    """Rows of weight [count, width]; no gradient flows to the row `padding`."""
    rows = weight[indices]
    is_padding = (indices == padding)[..., None]
    return jnp.where(is_padding, lax.stop_gradient(rows), rows)
