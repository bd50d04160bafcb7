"""Helpers for reductions."""

import jax.numpy as jnp
from jax import Array


def histogram(x: Array, bins: int, low: float | Array, high: float | Array) -> Array:
    """Number of elements of x in each of `bins` equal parts from low to high, both included."""
    part = ((x - low) * bins / (high - low)).astype(int)
    inside = (x >= low) & (x <= high)
    return jnp.zeros(bins, x.dtype).at[jnp.minimum(part, bins - 1)].add(inside)


def vector_norm(
    x: Array,
    *,
    order: float = 2,
    axis: int | tuple | None = None,
    keepdims: bool = False,
) -> Array:
    """(sum |x| ** order) ** (1 / order) over the axes, with a zero gradient at zero."""
    # if not axis: "the axes" -> "all elements"
    total = (jnp.abs(x) ** order).sum(axis, keepdims=keepdims)
    # if not keepdims: ", keepdims=keepdims)" -> ")"
    # if not axis: "sum(axis)" -> "sum()"
    # if not axis: "sum(axis, " -> "sum("
    is_zero = total == 0
    return jnp.where(is_zero, 0, jnp.where(is_zero, 1, total) ** (1 / order))
