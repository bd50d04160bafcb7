"""Helpers for embedding."""

import jax
import jax.numpy as jnp
from jax import Array, lax


def embedding(weight: Array, indices: Array, padding: int) -> Array:
    """Rows of weight [count, width]; no gradient flows to the row `padding`."""
    rows = weight[indices]
    is_padding = (indices == padding)[..., None]
    return jnp.where(is_padding, lax.stop_gradient(rows), rows)


def embedding_bag_sum(
    weight: Array,
    indices: Array,
    starts: Array,
    *,
    scale: Array | None = None,
    padding: int | None = None,
) -> Array:
    """Sum of the rows of weight in each bag of indices [K]; starts holds where they begin."""
    rows = weight[indices] if scale is None else weight[indices] * scale[:, None]
    # if not scale: " if scale is None else weight[indices] * scale[:, None]" -> ""
    if padding is not None:  # if padding
        rows = jnp.where((indices == padding)[:, None], 0, rows)  # if padding
    bags = jnp.searchsorted(starts, jnp.arange(len(indices)), side="right") - 1
    return jax.ops.segment_sum(rows, bags, len(starts))


def embedding_bag_mean(
    weight: Array, indices: Array, starts: Array, *, padding: int | None = None
) -> Array:
    """Mean of the rows of weight in each bag of indices [K]; starts holds where they begin."""
    keep = jnp.ones(len(indices)) if padding is None else indices != padding
    # if not padding: "jnp.ones(len(indices)) if padding is None else indices != padding" -> "jnp.ones(len(indices))"
    keep = keep.astype(weight.dtype)[:, None]
    bags = jnp.searchsorted(starts, jnp.arange(len(indices)), side="right") - 1
    total = jax.ops.segment_sum(weight[indices] * keep, bags, len(starts))
    return total / jnp.maximum(jax.ops.segment_sum(keep, bags, len(starts)), 1)


def embedding_bag_max(
    weight: Array, indices: Array, starts: Array, *, padding: int | None = None
) -> Array:
    """Maximum of the rows of weight in each bag of indices [K]; starts holds where they begin."""
    rows = weight[indices]
    if padding is not None:  # if padding
        rows = jnp.where((indices == padding)[:, None], -jnp.inf, rows)  # if padding
    bags = jnp.searchsorted(starts, jnp.arange(len(indices)), side="right") - 1
    best = jax.ops.segment_max(rows, bags, len(starts))
    return jnp.where(best == -jnp.inf, 0, best)
