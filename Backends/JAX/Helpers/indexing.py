"""Helpers for indexing."""

import jax.numpy as jnp
from jax import Array


def along_axis(indices: Array, *, axis: int) -> tuple:
    """The subscript that applies indices along an axis, each at its own place in the others."""
    grid = list(jnp.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return tuple(grid)


def search_sorted(sorted: Array, values: Array, *, side: str = "left") -> Array:
    """Where values [..., m] belong in sorted [..., n], row by row."""
    search = jnp.vectorize(
        jnp.searchsorted, excluded={"side"}, signature="(n),(m)->(m)"
    )
    return search(sorted, values, side=side)
