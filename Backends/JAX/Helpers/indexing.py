"""Helpers for indexing."""

from functools import partial

import jax.numpy as jnp
from jax import Array


def along_axis(indices: Array, *, axis: int) -> tuple:
    """The subscript that applies indices along an axis, each at its own place in the others."""
    grid = list(jnp.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return tuple(grid)


def search_sorted(sorted: Array, values: Array, *, side: str = "left") -> Array:
    """Where values [..., m] belong in sorted [..., n], row by row."""
    search = partial(jnp.searchsorted, side=side)  # if side
    # if not side: search = jnp.vectorize(jnp.searchsorted, signature="(n),(m)->(m)")
    search = jnp.vectorize(search, signature="(n),(m)->(m)")  # if side
    return search(sorted, values)
